export { Catalogue, CatalogueError, loadCatalogue } from './catalogue.js';
