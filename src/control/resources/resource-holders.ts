import type { EndpointId } from '../../base/ids.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { pinnedSpec } from '../../model/pinned-image.ts';
import { rolloutIsOver } from '../../model/rollout-state.ts';
import type { ResourceHolder } from '../../ports/resource-service.ts';
import type { EndpointEntry } from '../endpoint-entry.ts';

type Uses = (spec: RevisionSpec) => boolean;

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

  /** Endpoints of which a revision uses it that serves, or may come to serve without anybody asking for it. */
  inForce(uses: Uses): readonly ResourceHolder[] {
    const holders = this.#holders(uses, (entry) => revisionsInForce(entry));
    for (const { endpointId, name, revision, spec } of this.#underWay) {
      if (uses(spec)) holders.push({ endpointId, name, revisions: [revision] });
    }
    return holders;
  }

  /** Endpoints of which an older revision uses it that is kept to be brought back. */
  formerly(uses: Uses): readonly ResourceHolder[] {
    return this.#holders(uses, (entry) => {
      const inForce = revisionsInForce(entry);
      return new Set([...entry.revisions.keys()].filter((number) => !inForce.has(number)));
    });
  }

  /** The images of every kept revision of every endpoint, by the bytes that they stand for where that is known. */
  images(): string[] {
    const underWay = [...this.#underWay].map(({ spec }) => spec.image);
    const kept = [...this.#entries.values()].flatMap(({ revisions }) =>
      [...revisions.values()].map((revision) => pinnedSpec(revision).image),
    );
    return [...underWay, ...kept];
  }

  #holders(uses: Uses, among: (entry: EndpointEntry) => ReadonlySet<number>): ResourceHolder[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const looked = among(entry);
      const revisions = [...entry.revisions.values()]
        .filter(({ number, spec }) => looked.has(number) && uses(spec))
        .map(({ number }) => number);
      const { id, settings } = entry.endpoint;
      return revisions.length === 0 ? [] : [{ endpointId: id, name: settings.name, revisions }];
    });
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
