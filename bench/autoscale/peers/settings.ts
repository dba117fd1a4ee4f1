import type { Rule } from '../fleet.ts';
import type { Trace } from '../traces.ts';
import { cloudRun } from './cloud-run.ts';
import { fixed } from './fixed.ts';
import { keda } from './keda.ts';
import { knative } from './knative.ts';
import { modal } from './modal.ts';
import { rayServe } from './ray-serve.ts';
import { runpodQueueDelay, runpodRequestCount } from './runpod.ts';
import { skyServe } from './sky-serve.ts';

export interface PeerSetting {
  readonly peer: string;
  readonly knobs: string;
  /** What its users get who set nothing. */
  readonly isDefault: boolean;
  make(trace: Trace): Rule;
}

const IDLE_S = [5, 15, 60, 300, 1_000];
const FIXED_WORKERS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64];

function product<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}

function setting(peer: string, knobs: string, isDefault: boolean, make: PeerSetting['make']): PeerSetting {
  return { peer, knobs, isDefault, make };
}

/** Every peer with every combination of its swept knobs. */
export const PEER_SETTINGS: readonly PeerSetting[] = [
  ...product([0.5, 0.7, 1, 1.3], [60, 120]).map(([utilisation, stableS]) => {
    const graceS = stableS === 60 ? 30 : 300;
    return setting(
      'Knative',
      `${utilisation}, ${stableS}/${graceS} s`,
      utilisation === 0.7 && stableS === 60,
      () => knative({ utilisation, stableS, graceS }),
    );
  }),
  ...product([1, 4, 16], IDLE_S).map(([valueS, idleS]) =>
    setting('RunPod delay', `${valueS} s, idle ${idleS} s`, valueS === 4 && idleS === 5, () =>
      runpodQueueDelay({ valueS, idleS }),
    ),
  ),
  ...[1, 2, 4, 8].map((value) =>
    setting('RunPod count', `${value}`, value === 4, () => runpodRequestCount({ value })),
  ),
  ...IDLE_S.map((scaledownS) =>
    setting('Modal', `${scaledownS} s`, scaledownS === 60, () => modal({ scaledownS })),
  ),
  ...product([0.7, 0.85, 1], [60, 300, 900]).map(([utilisation, windowS]) =>
    setting('KEDA', `${utilisation}, ${windowS} s`, utilisation === 1 && windowS === 300, () =>
      keda({ utilisation, windowS }),
    ),
  ),
  ...product(product([0.7, 1, 2], [10, 30]), [60, 300, 600]).map(([[targetShare, upS], downS]) =>
    setting(
      'Ray Serve',
      `${targetShare} c, ${upS}/${downS} s`,
      targetShare === 1 && upS === 30 && downS === 600,
      () => rayServe({ targetShare, upS, downS }),
    ),
  ),
  ...product([0.6, 0.8], [300, 1_200]).map(([load, downS]) =>
    setting('SkyServe', `${load}, 300/${downS} s`, load === 0.8 && downS === 1_200, (trace) =>
      skyServe({ load, upS: 300, downS, meanServiceS: mean(trace.serviceS) }),
    ),
  ),
  ...[60, 300, 900].map((idleS) =>
    setting('Cloud Run', `${idleS} s`, idleS === 900, () => cloudRun({ idleS })),
  ),
  ...FIXED_WORKERS.map((workers) => setting('fixed', `${workers}`, workers === 1, () => fixed({ workers }))),
];

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
