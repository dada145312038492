export { GatewayModule } from './gateway.module.js';
export { configureHttp } from './http/configure-http.js';
export { RouteTable } from './http/route-table.js';
