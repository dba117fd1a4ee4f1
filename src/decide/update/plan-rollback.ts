import { RollbackBody } from '../../model/revision-schema.ts';
import type { EndpointSettings, Revision } from '../../model/endpoint.ts';
import { FaultList, type Faults } from '../../model/faults.ts';
import { checkShape } from './check-shape.ts';
import { checkMerged } from './check-values.ts';
import { classifyChange } from './classify.ts';
import type { EndpointParts } from './merge.ts';
import type { UpdatePlan } from './plan-update.ts';

export type RollbackPlan =
  | { readonly faults: Faults }
  /** No such revision is kept. */
  | { readonly missing: number }
  | (UpdatePlan & { readonly restored: Revision });

/**
 * What a rollback body of any shape makes of an endpoint: the fields of a kept revision, with the
 * present settings or with those it was made with. A failed revision can be brought back too: what
 * failed may have been around it, and it has to prove itself like any other.
 */
export function planRollback(
  present: EndpointParts,
  revisions: ReadonlyMap<number, Revision>,
  body: unknown,
): RollbackPlan {
  const faults = new FaultList();
  checkShape(RollbackBody, body, faults);
  if (!faults.empty) return { faults: faults.toFaults() };
  const wanted = body as RollbackBody;
  const restored = revisions.get(wanted.revision);
  if (restored === undefined) return { missing: wanted.revision };
  let settings: EndpointSettings | null = present.settings;
  if (wanted.settings === true) ({ settings } = restored);
  if (settings === null) {
    faults.add('settings', 'is true, but the settings of that revision were not kept; allowed: false');
    return { faults: faults.toFaults() };
  }
  const parts = { settings, spec: restored.spec };
  checkMerged(parts, faults);
  if (!faults.empty) {
    const hint = `; "settings": true brings back those of revision ${restored.number} too`;
    const told = Object.entries(faults.toFaults()).map(([path, text]) => [path, text + hint]);
    return { faults: Object.fromEntries(told) as Faults };
  }
  return { ...parts, changed: classifyChange(present, parts), restored };
}
