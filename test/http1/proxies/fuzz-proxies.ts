/**
 * Sends made-up requests through our strict forwarder and through real proxies, and compares what
 * reaches the programs behind: `npm run fuzz:proxies -- --seconds=600`. Exit code 1 with the first
 * differences that are not known.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../../src/base/random.ts';
import { ENDPOINT, gatewayWorld, KEY, type GatewayWorld } from '../../support/gateway-world.ts';
import { MessageMaker, type Pieces } from '../message-maker.ts';
import { KNOWN } from './known-differences.ts';
import { ask, difference, QUIET_MS, type Outcome } from './outcome.ts';
import { startHaproxy, startNginx, type ProxyProgram } from './programs.ts';
import { RecordingUpstream } from './recording-upstream.ts';

const LANES = 8;
const FINDINGS_MAX = 5;
/** A proxy that waits for more is told from one that is slow by this. */
const SURE_QUIET_MS = 2_000;
const PROXIES = ['nginx', 'haproxy'] as const;
const HOST = `${ENDPOINT}-chat-app.h`;

interface Lane {
  readonly world: GatewayWorld;
  readonly upstreams: Readonly<Record<'ours' | (typeof PROXIES)[number], RecordingUpstream>>;
  readonly ports: Readonly<Record<'ours' | (typeof PROXIES)[number], number>>;
}

type Outcomes = Readonly<Record<'ours' | (typeof PROXIES)[number], Outcome>>;

interface Finding {
  readonly proxy: string;
  readonly what: string;
  readonly pieces: readonly string[];
  readonly ours: Outcome;
  readonly other: Outcome;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string', default: '1' } },
});
const endMs = performance.now() + Number(values.seconds) * 1_000;
const maker = new MessageMaker(seededRandom(Number(values.seed)), {
  host: HOST,
  field: `Authorization: Bearer ${KEY}`,
});
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-fuzz-'));
const closing: (() => unknown)[] = [];
const findings: Finding[] = [];
let cases = 0;
let passed = 0;
const known = new Map<string, number>();

async function openLanes(): Promise<Lane[]> {
  const upstreams = await Promise.all(
    Array.from({ length: LANES }, async () => ({
      ours: await RecordingUpstream.open(),
      nginx: await RecordingUpstream.open(),
      haproxy: await RecordingUpstream.open(),
    })),
  );
  closing.push(...upstreams.flatMap((lane) => Object.values(lane).map((upstream) => () => upstream.close())));
  const programs: Record<(typeof PROXIES)[number], ProxyProgram> = {
    nginx: await startNginx(
      folder,
      upstreams.map(({ nginx }) => nginx.port),
    ),
    haproxy: await startHaproxy(
      folder,
      upstreams.map(({ haproxy }) => haproxy.port),
    ),
  };
  closing.push(...Object.values(programs).map((program) => () => program.close()));
  const context = { after: (task: () => unknown) => closing.unshift(task) } as unknown as Parameters<
    typeof gatewayWorld
  >[0];
  return await Promise.all(
    upstreams.map(async (own, lane) => {
      const world = await gatewayWorld(context, 'strict', {
        domain: 'h',
        endpoint: { slotsPerWorker: 1_000 },
        own: (_request, response) => response.writeHead(404).end(),
      });
      world.putWorker(own.ours.port);
      const ports = {
        ours: world.port,
        nginx: programs.nginx.ports[lane] ?? 0,
        haproxy: programs.haproxy.ports[lane] ?? 0,
      };
      return { world, upstreams: own, ports };
    }),
  );
}

async function askAll({ ports, upstreams, world }: Lane, pieces: Pieces, quietMs: number) {
  const [ours, nginx, haproxy] = await Promise.all(
    (['ours', 'nginx', 'haproxy'] as const).map((name) => ask(ports[name], upstreams[name], pieces, quietMs)),
  );
  // Nothing that waits for a time-out is left for the next case.
  world.clock.advance(120_000);
  return { ours, nginx, haproxy } as Outcomes;
}

async function run(lane: Lane): Promise<void> {
  while (performance.now() < endMs && findings.length < FINDINGS_MAX) {
    const pieces = maker.requests();
    cases += 1;
    const first = await askAll(lane, pieces, QUIET_MS);
    passed += first.ours.received.length;
    if (differences(first, pieces).length === 0) continue;
    // Perhaps somebody was slow, or still has a request of the case before: once more, after a rest.
    await wait(SURE_QUIET_MS);
    const sure = await askAll(lane, pieces, SURE_QUIET_MS);
    for (const { proxy, what } of differences(sure, pieces)) {
      const shown = pieces.map((piece) => piece.toString('latin1'));
      findings.push({ proxy, what, pieces: shown, ours: sure.ours, other: sure[proxy] });
    }
  }
}

/** Those that are not known; of the others it is noted that they were seen. */
function differences(
  outcomes: Outcomes,
  pieces: Pieces,
): { readonly proxy: (typeof PROXIES)[number]; readonly what: string }[] {
  const text = Buffer.concat(pieces).toString('latin1');
  return PROXIES.flatMap((proxy) => {
    const what = difference(outcomes.ours, outcomes[proxy]);
    if (what === null) return [];
    const reason = KNOWN.find((one) => one.proxy === proxy && one.holds(text, outcomes[proxy]));
    if (reason === undefined) return [{ proxy, what }];
    known.set(reason.why, (known.get(reason.why) ?? 0) + 1);
    return [];
  });
}

try {
  const lanes = await openLanes();
  await Promise.all(lanes.map(run));
} finally {
  for (const close of closing) await close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${cases} cases, ${passed} requests passed on by us, seed ${values.seed}`);
for (const [why, count] of known) console.log(`known, ${count} times: ${why}`);
for (const finding of findings) console.log(JSON.stringify(finding, null, 2));
if (findings.length > 0) process.exitCode = 1;
