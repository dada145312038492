import { ENDPOINTS } from '../../core/catalog/endpoints.js';
import type { CatalogueRow } from '../../core/catalog/catalogue-row.js';
import type { Deployment } from '../../core/catalog/model.js';
import { findWireId, OPERATIONS } from '../../core/operations/index.js';
import { getDefinition } from '../definitions/index.js';
import type { ModelDocument } from './document.js';

/** As written, else as the catalogue knows; of a model that nobody knows, whatever its providers could be asked for. */
export function servedEndpoints(written: ModelDocument, row: CatalogueRow | null, deployments: readonly Deployment[]): readonly string[] {
  if (written.endpoints !== undefined) return written.endpoints;
  if (row !== null || deployments.length === 0) return row?.endpoints ?? ENDPOINTS;
  return ENDPOINTS.filter((endpoint) => deployments.some((deployment) => couldServe(deployment, endpoint)));
}

/** Definitions that have no chat say what they have; a chat provider has what its protocol, or its family, has a wire for. */
function couldServe({ provider, protocol }: Deployment, endpoint: string): boolean {
  const { id, endpoints = ['chat'] } = getDefinition(provider.type);
  if (!endpoints.includes('chat')) return (endpoints as readonly string[]).includes(endpoint);
  if (endpoint === 'chat' || endpoint === 'completions') return true;
  const wire = findWireId(id, protocol);
  return wire !== null && Object.values(OPERATIONS).some((operation) => operation.endpoint === endpoint && operation.wires[wire] !== undefined);
}
