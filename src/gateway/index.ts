export { GatewayModule } from './gateway.module.js';
export { configureHttp } from './http/configure-http.js';
export { InferenceDoor } from './http/inference-door.js';
export { RouteTable } from './http/route-table.js';
