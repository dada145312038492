export { Catalogue, loadCatalogue } from './catalogue.js';
