export { BUILD } from './build.js';
export { PlatformModule, type Platform } from './platform.module.js';
