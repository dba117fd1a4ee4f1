import { EndpointCreateBody } from '../../model/endpoint-schema.ts';
import {
  IDLE_TIMEOUT_MAX_SECONDS,
  type EndpointType,
  type HealthCheck,
  type Policy,
} from '../../model/endpoint.ts';
import { FaultList, type Faults } from '../../model/faults.ts';
import { checkShape, isObject } from './check-shape.ts';
import { checkMerged, checkValues, soundPart } from './check-values.ts';
import { mergeFields, type EndpointParts } from './merge.ts';

// One of each for all endpoints: most are made with them, and all are in memory.
const DEFAULT_POLICY: Policy = { type: 'queue', value: 4 };
const DEFAULT_HEALTH_CHECK: HealthCheck = { path: '', port: 0 };
const NONE: readonly never[] = [];

/** What an endpoint is made with where the body says nothing. */
function defaultParts(regionId: string): EndpointParts {
  return {
    settings: {
      name: '',
      minReplicas: 0,
      // Required in every body: this stands only where the body's own is at fault, and is never stored.
      maxReplicas: 1000,
      idleTimeoutSeconds: IDLE_TIMEOUT_MAX_SECONDS,
      maxConcurrentPerWorker: 1,
      requestTimeoutSeconds: 300,
      policy: DEFAULT_POLICY,
      healthCheck: DEFAULT_HEALTH_CHECK,
    },
    spec: {
      productId: '',
      regionId,
      image: '',
      registryAuthId: '',
      entrypoint: '',
      command: '',
      envs: NONE,
      ports: NONE,
      volumes: NONE,
      gpuNum: 1,
      rootfsSizeGb: 20,
      minCudaVersion: '',
    },
  };
}

export interface CreatedEndpoint extends EndpointParts {
  readonly type: EndpointType;
  /** Null: one has to be made. */
  readonly appName: string | null;
}

/**
 * An endpoint's first fields from a create body of any shape, or all that is wrong with the body.
 * Whether the product and the region exist is for the caller to check.
 */
export function createEndpointSpec(
  body: unknown,
  known: { readonly defaultRegionId: string },
): { readonly faults: Faults } | CreatedEndpoint {
  const faults = new FaultList();
  checkShape(EndpointCreateBody, body, faults);
  // A full list ends the look: what comes after takes time by the product of fields and faults.
  if (!isObject(body) || faults.full) return { faults: faults.toFaults() };
  const { type, app_name: appName, ...fields } = soundPart(body, faults);
  const parts = mergeFields(defaultParts(known.defaultRegionId), fields);
  checkMerged(parts, faults);
  checkValues(body, faults);
  if (!faults.empty) return { faults: faults.toFaults() };
  return { type: type as EndpointType, appName: ((appName ?? '') as string) || null, ...parts };
}
