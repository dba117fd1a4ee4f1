import type { EndpointId } from '../../base/ids.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { pinnedSpec } from '../../model/pinned-image.ts';
import { rolloutIsOver } from '../../model/rollout-state.ts';
import type { ResourceHolder } from '../../ports/resource-service.ts';
import type { EndpointEntry } from '../endpoint-entry.ts';

/** Ids of credentials, or of volumes, that a spec names. */
type IdsOf = (spec: RevisionSpec) => readonly string[];

interface HoldersById {
  of(id: string): readonly ResourceHolder[];
}

class HoldersFound implements HoldersById {
  readonly #byId = new Map<
    string,
    Map<EndpointId, { readonly name: string; readonly revisions: number[] }>
  >();

  add(ids: readonly string[], endpointId: EndpointId, name: string, revision: number): void {
    for (const id of new Set(ids)) {
      const endpoints = this.#byId.get(id) ?? new Map<EndpointId, { name: string; revisions: number[] }>();
      this.#byId.set(id, endpoints);
      const holder = endpoints.get(endpointId) ?? { name, revisions: [] };
      endpoints.set(endpointId, holder);
      if (!holder.revisions.includes(revision)) holder.revisions.push(revision);
    }
  }

  of(id: string): readonly ResourceHolder[] {
    return [...(this.#byId.get(id) ?? [])].map(([endpointId, { name, revisions }]) => ({
      endpointId,
      name,
      revisions: revisions.sort((one, other) => one - other),
    }));
  }
}

/** Who needs a credential or a volume. */
export class ResourceHolders {
  readonly #entries: ReadonlyMap<EndpointId, EndpointEntry>;
  /** Fields that were checked and are being committed: no entry has them yet. */
  readonly #underWay = new Set<UnderWay>();

  constructor(entries: ReadonlyMap<EndpointId, EndpointEntry>) {
    this.#entries = entries;
  }

  /** What `spec` names cannot be deleted while `commit` goes on; it ends with the spec in an entry, or refused. */
  async during<Result>(holder: UnderWay, commit: () => Promise<Result>): Promise<Result> {
    this.#underWay.add(holder);
    try {
      return await commit();
    } finally {
      this.#underWay.delete(holder);
    }
  }

  /**
   * By the id of what they use: endpoints of which a revision uses it that serves, or may come to serve
   * without anybody asking for it. One pass for all ids.
   */
  inForce(idsOf: IdsOf): HoldersById {
    const found = new HoldersFound();
    for (const entry of this.#entries.values()) {
      const { id, settings } = entry.endpoint;
      for (const number of revisionsInForce(entry)) {
        const spec = entry.revisions.get(number)?.spec;
        if (spec !== undefined) found.add(idsOf(spec), id, settings.name, number);
      }
    }
    for (const { endpointId, name, revision, spec } of this.#underWay)
      found.add(idsOf(spec), endpointId, name, revision);
    return found;
  }

  /** Likewise endpoints of which an older revision uses it that is kept to be brought back. */
  formerly(idsOf: IdsOf): HoldersById {
    const found = new HoldersFound();
    for (const entry of this.#entries.values()) {
      const { id, settings } = entry.endpoint;
      const inForce = revisionsInForce(entry);
      for (const { number, spec } of entry.revisions.values())
        if (!inForce.has(number)) found.add(idsOf(spec), id, settings.name, number);
    }
    return found;
  }

  /** The images of every kept revision of every endpoint, by the bytes that they stand for where that is known. */
  images(): string[] {
    const underWay = [...this.#underWay].map(({ spec }) => spec.image);
    const kept = [...this.#entries.values()].flatMap(({ revisions }) =>
      [...revisions.values()].map((revision) => pinnedSpec(revision).image),
    );
    return [...underWay, ...kept];
  }
}

export interface UnderWay {
  readonly endpointId: EndpointId;
  readonly name: string;
  readonly revision: number;
  readonly spec: RevisionSpec;
}

function revisionsInForce({ endpoint, workers }: EndpointEntry): Set<number> {
  const { rollout } = endpoint;
  const numbers = new Set([endpoint.stableRevision]);
  if (endpoint.targetRevision !== null) numbers.add(endpoint.targetRevision);
  if (rollout !== null && !rolloutIsOver(rollout.state)) numbers.add(rollout.fromRevision);
  for (const { record } of workers.values()) numbers.add(record.revision);
  return numbers;
}

/** "endpoint abc (chat, revisions 3 and 4)", all of them. */
export function holdersText(holders: readonly ResourceHolder[]): string {
  return holders
    .map(({ endpointId, name, revisions }) => {
      const numbers =
        revisions.length === 1 ? `revision ${revisions[0]}` : `revisions ${revisions.join(', ')}`;
      return `endpoint ${endpointId} ("${name}", ${numbers})`;
    })
    .join('; ');
}
