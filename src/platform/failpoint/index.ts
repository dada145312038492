export { armFailpoint, failpoint, FAILPOINTS, type Failpoint } from './failpoint.js';
