export { Boot, BOOT_ORDER, type BootTask } from './boot.js';
