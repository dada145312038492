export { BUILD, findProjectRoot } from './build.js';
export { PlatformModule, type Platform } from './platform.module.js';
