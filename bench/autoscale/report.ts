import type { Cell } from './fleet.ts';
import { reasonOf } from './reasons.ts';
import { againstDefaults, geometricMean, scoresOf, type CellRuns, type Score } from './scores.ts';

export interface ReportGroup {
  readonly title: string;
  readonly runs: readonly CellRuns[];
}

export interface Report {
  readonly groups: readonly ReportGroup[];
  readonly prices: readonly number[];
  /** Lines on where traces come from, with their licences. */
  readonly sources: readonly string[];
  readonly plotFile: string | null;
  readonly command: string;
}

const SHOWN_AS_LOST = 1.05;

export function reportMarkdown(report: Report): string {
  const all = report.groups.map((group) => ({ ...group, scores: scoresOf(group.runs, report.prices) }));
  return [
    INTRODUCTION,
    `Made by \`${report.command}\`; do not edit.`,
    '',
    '## Result',
    '',
    'Cost of ours over the cost of the best peer setting in hindsight (geometric means; below 1 is better than every peer), and over the clairvoyant bound. Fixed fleets of 1 to many workers count among the peers, and are told their number in hindsight; they never stop, while ours lets the last worker go after two hours of silence at the latest. The second column is against those that scale:',
    '',
    '| traces | all peers | those that scale | worst cell | cells above 1.15 | over the bound |',
    '| --- | --- | --- | --- | --- | --- |',
    ...all.map(({ title, scores }) => summaryRow(title, scores)),
    '',
    ...perCell(all, report.prices),
    '## Default against default',
    '',
    'Each with what its users get who set nothing, ours with `policy` `queue` 4, at all three prices (geometric means):',
    '',
    `| traces | ${peersOf(all).join(' | ')} |`,
    `| --- | ${peersOf(all)
      .map(() => '---')
      .join(' | ')} |`,
    ...all.map(({ title, runs }) => {
      const ratios = againstDefaults(runs, report.prices);
      return `| ${title} | ${peersOf(all)
        .map((peer) => number(ratios.get(peer)))
        .join(' | ')} |`;
    }),
    '',
    ...(report.plotFile === null
      ? []
      : [
          '## Worker time against waiting',
          '',
          `![Worker-hours against percentiles of waiting](${report.plotFile})`,
          '',
          'One slot a worker and starts of 30 s. A point is a setting of a peer, the line is ours over `policy.value` from 1 to 128; left and low is better.',
          '',
        ]),
    '## Every trace and cell',
    '',
    'Ours over the best peer setting in hindsight, which is named; in brackets ours over the clairvoyant bound.',
    '',
    ...all.flatMap(({ title, scores }) => [
      `### ${title[0]?.toUpperCase()}${title.slice(1)}`,
      '',
      ...table(scores, report.prices),
      '',
    ]),
    '## Where ours loses',
    '',
    `Every cell above ${SHOWN_AS_LOST}, the worst first.`,
    '',
    ...losses(all.flatMap(({ scores }) => scores)),
    '',
    METHOD,
    '',
    '## Traces',
    '',
    ...report.sources.map((line) => `- ${line}`),
    '',
  ].join('\n');
}

function summaryRow(title: string, scores: readonly Score[]): string {
  const ratios = scores.map((score) => score.ratio);
  const worst = scores.reduce((one, other) => (other.ratio > one.ratio ? other : one));
  const bounds = scores.flatMap((score) => (score.overBound === null ? [] : [score.overBound]));
  const scaling = geometricMean(scores.map((score) => score.scalingRatio));
  return `| ${title} | **${number(geometricMean(ratios), 3)}** | **${number(scaling, 3)}** | ${number(worst.ratio)} (${worst.runs.trace}, ${cellName(worst.runs.cell)}, p = ${worst.price}) | ${ratios.filter((ratio) => ratio > 1.15).length} of ${ratios.length} | ${bounds.length === 0 ? 'not reckoned' : number(geometricMean(bounds))} |`;
}

function perCell(
  all: readonly (ReportGroup & { readonly scores: readonly Score[] })[],
  prices: readonly number[],
): string[] {
  const cells = [...new Set(all.flatMap(({ runs }) => runs.map(({ cell }) => cellName(cell))))];
  return [
    `| slots, start | price | ${all.map(({ title }) => title).join(' | ')} |`,
    `| --- | --- | ${all.map(() => '---').join(' | ')} |`,
    ...cells.flatMap((cell) =>
      prices.map((price) => {
        const values = all.map(({ scores }) =>
          number(
            geometricMean(
              scores
                .filter((score) => score.price === price && cellName(score.runs.cell) === cell)
                .map((score) => score.ratio),
            ),
          ),
        );
        return `| ${cell} | ${price} | ${values.join(' | ')} |`;
      }),
    ),
    '',
  ];
}

function table(scores: readonly Score[], prices: readonly number[]): string[] {
  const rows = Map.groupBy(scores, ({ runs }) => runs);
  return [
    `| trace | slots, start | ${prices.map((price) => `p = ${price}`).join(' | ')} |`,
    `| --- | --- | ${prices.map(() => '---').join(' | ')} |`,
    ...[...rows].map(
      ([runs, list]) =>
        `| ${runs.trace} | ${cellName(runs.cell)} | ${list
          .map(
            (score) =>
              `${number(score.ratio)} ${score.best.peer} ${score.best.knobs}${score.overBound === null ? '' : ` [${number(score.overBound, 1)}]`}`,
          )
          .join(' | ')} |`,
    ),
  ];
}

function losses(scores: readonly Score[]): string[] {
  const lost = scores.filter((score) => score.ratio > SHOWN_AS_LOST).toSorted((a, b) => b.ratio - a.ratio);
  if (lost.length === 0) return ['None.'];
  return [
    '| | trace | slots, start | p | best peer setting | why |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lost.map(
      (score) =>
        `| ${number(score.ratio)} | ${score.runs.trace} | ${cellName(score.runs.cell)} | ${score.price} | ${score.best.peer} ${score.best.knobs} | ${reasonOf(score)} |`,
    ),
  ];
}

function peersOf(all: readonly ReportGroup[]): readonly string[] {
  const peers = all[0]?.runs[0]?.peers ?? [];
  return [...new Set(peers.filter((one) => one.isDefault).map((one) => one.peer))];
}

function cellName(cell: Cell): string {
  return `${cell.slots}, ${cell.startS} s`;
}

function number(value: number | undefined, digits = 2): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);
}

const INTRODUCTION = `# Autoscaling

How much worker time and waiting the policy \`queue\` costs, beside the rules of other systems, on the same traffic. How it decides is [decision 0014](decisions/0014-scaling-by-cost.md).

The measure is J(p) = worker-seconds + p × seconds that requests waited for a slot, with p = 1 (batch-like), 4 and 16 (interactive). It is run for workers of 1 slot with start times of 5, 30 and 120 s and of 8 slots with 30 s. Of each peer all settings of its knobs are run, and the best of all peers and settings is picked for each trace, cell and price *after the fact*: no user can do that. Ours is run with one knob set by the price, \`policy.value\` = 16 / p.
`;

const METHOD = `## Method

One endpoint, simulated event by event (\`bench/autoscale/fleet.ts\`): a queue in the order of arrival; a worker costs from its start to its end; start times are log-normal with a coefficient of variation of 0.25, the same sequence of draws for every rule; a request goes to the busiest worker with a free slot, under every rule. A run ends with its last request. Ours is the production code (\`src/decide/autoscale/\`), called as the control loop calls it, with \`min_replicas\` 0, \`max_replicas\` 1000 and \`idle_timeout\` 1000, the default, which sets no limit of its own; it learns from nothing but the run itself. Start times are known to it by their mean, as they are measured for a revision.

The peers' rules are in \`bench/autoscale/peers/\`, each with its source and constants; \`settings.ts\` has the knobs. Where a peer does not publish a step, the assumption is named there. SkyServe is told the mean service time of the whole trace; \`fixed\` the number of workers.

The clairvoyant bound (\`bound.ts\`) is below what any schedule costs that knows all arrivals, every start lasting its mean. It is a dual solution, so it is a bound whether or not it is the best one. It can start workers before a burst, so at long starts nobody who does not know the future comes near it.

Ours was shaped on the traces called so. Those called kept out were chosen beforehand by a rule (index 1, 5 and 9 of the sorted names) and looked at only at the end of each change of the rule, five times in all: the first look showed 1.077, and that batches were taken for lasting traffic; the candidate for it was then shaped on generated batches. Ten variants of constants and of where requests go were run over all of them after that, none was better by more than 0.005, and none was taken. The fifth look is at the rule that keeps workers for longer than 1000 s and forgets nothing over a silence, which was chosen on the others alone. The generated ones are Poisson arrivals from 0.001 to 10 a second, bursts, on and off, a day's rhythm, and service times with a heavy tail. The drawn ones (\`drawn.ts\`: requests that cause others, sessions, timetables, renewals, office hours, of measures drawn by chance) were written down before that last change with none of them seen, and were run once, after it.`;
