import type { CellRuns } from './scores.ts';

/** Of the legend, at the font's size. */
const LETTER_WIDTH = 5;
const LEGEND_GAP = 20;
const PANEL = { width: 330, height: 230, left: 62, bottom: 38, top: 26, right: 12 } as const;
const OURS = '#c2410c';
const PEER_COLOURS: readonly string[] = [
  '#2563eb',
  '#16a34a',
  '#9333ea',
  '#0891b2',
  '#ca8a04',
  '#db2777',
  '#65a30d',
  '#475569',
  '#94a3b8',
];

interface Axis {
  readonly from: number;
  readonly to: number;
}

/**
 * Worker-hours against the 95th and the 99th percentile of waiting, a row of two panels a trace: a
 * point for each setting of each peer, a line for ours over `policy.value`. Both axes are logarithmic;
 * waits under 0.1 s are drawn at 0.1 s.
 */
export function curvesSvg(rows: readonly CellRuns[]): string {
  const peers = [...new Set(rows[0]?.peers.map((one) => one.peer) ?? [])];
  const width = 2 * PANEL.width;
  const legendHeight = 24;
  const height = rows.length * PANEL.height + legendHeight;
  const panels = rows.flatMap((row, index) => [
    panel(row, peers, 'p95S', 0, index * PANEL.height + legendHeight),
    panel(row, peers, 'p99S', PANEL.width, index * PANEL.height + legendHeight),
  ]);
  let x = 8;
  const legend = ['Pilotlight', ...peers].map((name, index) => {
    const colour = index === 0 ? OURS : colourOf(peers, name);
    const entry = `<circle cx="${x}" cy="12" r="4" fill="${colour}"/><text x="${x + 7}" y="16">${name}</text>`;
    x += LEGEND_GAP + name.length * LETTER_WIDTH;
    return entry;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="9">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...legend,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel(
  row: CellRuns,
  peers: readonly string[],
  percentile: 'p95S' | 'p99S',
  x: number,
  y: number,
): string {
  const wait = (seconds: number): number => Math.max(0.1, seconds);
  const shown = [...row.peers.map((one) => one.result), ...row.curve.map((one) => one.result)];
  // Some settings keep a hundred times what is needed: the plot ends where nobody would look.
  const hours = shown.map((one) => one.workerSeconds / 3_600).toSorted((a, b) => a - b);
  const across: Axis = { from: hours[0]! * 0.9, to: hours[Math.floor(hours.length * 0.9)]! * 1.1 };
  const up: Axis = {
    from: 0.09,
    to: Math.min(2_000, Math.max(...shown.map((one) => wait(one[percentile])))) * 1.2,
  };
  const px = (value: number): number =>
    x + PANEL.left + scaled(value, across) * (PANEL.width - PANEL.left - PANEL.right);
  const py = (value: number): number =>
    y + PANEL.height - PANEL.bottom - scaled(value, up) * (PANEL.height - PANEL.top - PANEL.bottom);
  const inside = (worker: number, seconds: number): boolean =>
    worker / 3_600 <= across.to && wait(seconds) <= up.to;
  const dots = row.peers
    .filter(({ result }) => inside(result.workerSeconds, result[percentile]))
    .map(
      ({ peer, result }) =>
        `<circle cx="${round(px(result.workerSeconds / 3_600))}" cy="${round(py(wait(result[percentile])))}" r="2" fill="${colourOf(peers, peer)}" fill-opacity="0.7"/>`,
    );
  const ours = row.curve.filter(({ result }) => inside(result.workerSeconds, result[percentile]));
  const line = ours.map(
    ({ result }) => `${round(px(result.workerSeconds / 3_600))},${round(py(wait(result[percentile])))}`,
  );
  const marks = line.map((point) => {
    const [cx, cy] = point.split(',');
    return `<circle cx="${cx}" cy="${cy}" r="2.6" fill="${OURS}"/>`;
  });
  const left = x + PANEL.left;
  const bottom = y + PANEL.height - PANEL.bottom;
  return [
    `<path d="M${left} ${y + PANEL.top}V${bottom}H${x + PANEL.width - PANEL.right}" fill="none" stroke="#333"/>`,
    `<text x="${left}" y="${y + 16}" font-weight="bold">${row.trace}: ${percentile === 'p95S' ? '95th' : '99th'} percentile</text>`,
    ...ticks(up).map(
      (tick) =>
        `<text x="${left - 4}" y="${round(py(tick) + 3)}" text-anchor="end">${tick} s</text><path d="M${left - 2} ${round(py(tick))}h3" stroke="#333"/>`,
    ),
    ...ticks(across).map(
      (tick) =>
        `<text x="${round(px(tick))}" y="${bottom + 12}" text-anchor="middle">${tick}</text><path d="M${round(px(tick))} ${bottom - 1}v3" stroke="#333"/>`,
    ),
    `<text x="${left + (PANEL.width - PANEL.left - PANEL.right) / 2}" y="${bottom + 26}" text-anchor="middle">worker-hours</text>`,
    ...dots,
    `<polyline points="${line.join(' ')}" fill="none" stroke="${OURS}" stroke-width="1.5"/>`,
    ...marks,
  ].join('\n');
}

function colourOf(peers: readonly string[], peer: string): string {
  return PEER_COLOURS[peers.indexOf(peer) % PEER_COLOURS.length] ?? '#000';
}

function scaled(value: number, axis: Axis): number {
  return Math.log(value / axis.from) / Math.log(axis.to / axis.from);
}

/** 1, 2 and 5 times the powers of ten that the axis has. */
function ticks(axis: Axis): readonly number[] {
  const all: number[] = [];
  for (let power = -2; power <= 5; power += 1) {
    for (const digit of [1, 2, 5]) all.push(Number((digit * 10 ** power).toPrecision(1)));
  }
  const within = all.filter((tick) => tick >= axis.from && tick <= axis.to);
  return within.length > 7 ? within.filter((tick) => /^0*\.?0*1/.test(String(tick))) : within;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
