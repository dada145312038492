import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ERROR_CATALOGUE } from './core/errors/catalogue.js';
import { BUILD } from './platform/index.js';

const DESCRIPTION = `One API in front of many model providers. Inference and a customer's own calls are under \`/v1\` with a virtual key
(\`sk-og-…\`); operators' calls under \`/admin/v1\` with the admin token (\`mk-og-…\`). Every error body has \`error.code\` from the
catalogue at \`GET /v1/errors\`; every answer has \`x-request-id\`.`;

/** The reference of every route, from the code itself: `/openapi.json` and, for people, `/docs`. */
export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('OpenGateway')
    .setDescription(DESCRIPTION)
    .setVersion(BUILD.version)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'A virtual key, sk-og-…' }, 'key')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The admin token' }, 'operator')
    .build();
  const document = SwaggerModule.createDocument(app, builder);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Error: ERROR_SCHEMA } };
  return document;
}

const ERROR_SCHEMA = {
  type: 'object' as const,
  required: ['error'],
  properties: {
    error: {
      type: 'object' as const,
      required: ['message', 'type', 'param', 'code', 'request_id'],
      properties: {
        message: { type: 'string' as const },
        type: { type: 'string' as const, enum: [...new Set(Object.values(ERROR_CATALOGUE).map((entry) => entry.type))] },
        param: { type: 'string' as const, nullable: true },
        code: { type: 'string' as const, enum: Object.keys(ERROR_CATALOGUE) },
        request_id: { type: 'string' as const },
      },
    },
  },
};

/** Offline: the pages and scripts of Swagger UI come from its package. */
export function serveApiReference(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => describeApi(app), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'OpenGateway API',
  });
}
