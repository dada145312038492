export { ObjectDecoder, ObjectOverflow } from './decode-objects.js';
