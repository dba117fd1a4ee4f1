import type { EndpointId, OwnerId } from '../../base/ids.ts';
import { unixSeconds, type ChangeClass } from '../../model/endpoint-fields.ts';
import { EndpointUpdateBody } from '../../model/endpoint-schema.ts';
import { takesJobs, type EndpointType } from '../../model/endpoint.ts';
import { FaultList, type Faults } from '../../model/faults.ts';
import { checkShape, isObject, shownValue } from './check-shape.ts';
import { checkMerged, checkValues, soundPart } from './check-values.ts';
import { classifyChange } from './classify.ts';
import { mergeFields, type EndpointParts } from './merge.ts';

/** What an update starts from: the newest settings and the spec of the newest revision that counts. */
export interface StoredEndpoint extends EndpointParts {
  readonly id: EndpointId;
  readonly type: EndpointType;
  readonly appName: string;
  /** As GET shows it. */
  readonly url: string;
  readonly ownerId: OwnerId;
  readonly createdAtMs: number;
}

export interface UpdatePlan extends EndpointParts {
  /** API field path → class of the change; empty when nothing changed. */
  readonly changed: Readonly<Record<string, ChangeClass>>;
}

/**
 * What an update body of any shape makes of a stored endpoint, or all that is wrong with the body.
 * Whether a changed product or region exists is for the caller to check.
 */
export function planUpdate(stored: StoredEndpoint, body: unknown): { readonly faults: Faults } | UpdatePlan {
  const faults = new FaultList();
  checkShape(EndpointUpdateBody, body, faults);
  // A full list ends the look: what comes after takes time by the product of fields and faults.
  if (!isObject(body) || faults.full) return { faults: faults.toFaults() };
  checkReadOnly(stored, body, faults);
  const parts = mergeFields(stored, soundPart(body, faults));
  checkMerged(parts, faults);
  checkValues(body, faults);
  checkDelivery(stored, parts, faults);
  if (!faults.empty) return { faults: faults.toFaults() };
  return { ...parts, changed: classifyChange(stored, parts) };
}

/** Workers that take jobs and workers that are sent them are two kinds of program: those that run cannot change. */
function checkDelivery(stored: StoredEndpoint, parts: EndpointParts, faults: FaultList): void {
  const took = takesJobs(stored);
  if (faults.touches('health_check') || took === takesJobs({ ...stored, ...parts })) return;
  faults.add(
    'health_check.path',
    took
      ? 'is set, and the workers of this endpoint take their jobs themselves, for which it has to be empty; allowed: "" (create another endpoint for workers that jobs are sent to)'
      : 'is empty, and jobs are sent to the workers of this endpoint, for which it has to be set; allowed: the path of a health check (create another endpoint for workers that take their jobs themselves)',
  );
}

/** `status`, `workers`, `revision` and `rollout` are not compared: they move by themselves between a GET and a PUT. */
function checkReadOnly(
  stored: StoredEndpoint,
  body: Readonly<Record<string, unknown>>,
  faults: FaultList,
): void {
  const present: Readonly<Record<string, string | number>> = {
    id: stored.id,
    type: stored.type,
    app_name: stored.appName,
    url: stored.url,
    owner_id: stored.ownerId,
    member_id: stored.ownerId,
    created_at: unixSeconds(stored.createdAtMs),
  };
  for (const [name, value] of Object.entries(present)) {
    if (Object.hasOwn(body, name) && body[name] !== value) {
      faults.add(
        name,
        `is immutable, and ${shownValue(body[name])} was given; allowed: leave it out, or send ${JSON.stringify(value)}`,
      );
    }
  }
}
