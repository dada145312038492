export { yieldToEventLoop } from './background-threads.js';
export { renderBanner, shownUrl } from './banner.js';
export { findBootstrapFile, writeBootstrapFile, type BootstrapFile } from './bootstrap-file.js';
export { restoreFastStrings } from './fast-strings.js';
export { assertPortFree, createHttpAdapter, listenError, serveFirst, serveLean, trackRequests } from './http-server.js';
export { openDatabase, openPlatform, prepareDataDirectory, type OpenedPlatform } from './open-platform.js';
export { makeGlobalsPlain } from './plain-globals.js';
export { StartError } from './start-error.js';
