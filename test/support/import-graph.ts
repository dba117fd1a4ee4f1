import { dirname, join, normalize } from 'node:path/posix';
import {
  ENVIRONMENT_READERS,
  FLOORS,
  GENERATED,
  LINES_MAX,
  NAMES_REFUSED,
  SHARED_ADAPTERS,
  SIMULATE_ADAPTERS,
  type Floor,
} from './floor-table.ts';
import { readSource, type SourceFile, type SourceImport } from './source-file.ts';

export interface FloorFault {
  readonly path: string;
  readonly line: number;
  readonly rule:
    | 'arrow'
    | 'package'
    | 'global'
    | 'async'
    | 'cycle'
    | 'size'
    | 'name'
    | 'test-only'
    | 'not-run';
  readonly message: string;
}

const TEST_FILE = /\.test\.ts$/;
const TEST_PACKAGES = ['node:test', 'fast-check'];
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.(?:ts|d\.ts)$/;

/**
 * Every way in which `files` (path from the repository's root → text) break the floors. `packages`
 * are the runtime dependencies; whatever else is installed is for tests and tools.
 */
export function floorFaults(
  files: ReadonlyMap<string, string>,
  packages: readonly string[],
): readonly FloorFault[] {
  const sources = [...files].map(([path, text]) => readSource(path, text));
  const inside = sources.filter((source) => source.path.startsWith('src/'));
  return [
    ...inside.flatMap((source) => [
      ...nameFaults(source),
      ...(source.lineCount > LINES_MAX && !GENERATED.test(source.path)
        ? [
            fault(
              source,
              source.lineCount,
              'size',
              `has ${source.lineCount} lines; split it below ${LINES_MAX}`,
            ),
          ]
        : []),
      ...source.imports.flatMap((one) => importFaults(source, one, packages)),
      ...useFaults(source),
    ]),
    ...cycleFaults(inside),
    ...notRunFaults(sources),
  ];
}

function fault(
  source: { path: string },
  line: number,
  rule: FloorFault['rule'],
  message: string,
): FloorFault {
  return { path: source.path, line, rule, message };
}

/** `src/decide/rollout/step.ts` → `decide`. */
function floorName(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'src' && parts.length > 2 ? (parts[1] ?? '') : '';
}

/** The adapter a file belongs to: a folder, or a file standing alone. */
function adapterName(path: string): string {
  return (path.split('/')[2] ?? '').replace(/(?:\.test)?\.ts$/, '');
}

function floorOf(path: string): Floor | undefined {
  return FLOORS[floorName(path)];
}

function nameFaults(source: SourceFile): FloorFault[] {
  const faults: FloorFault[] = [];
  const parts = source.path.split('/').slice(1);
  const file = parts.at(-1) ?? '';
  if (floorOf(source.path) === undefined) {
    faults.push(fault(source, 1, 'name', `stands on no floor; there are ${Object.keys(FLOORS).join(', ')}`));
  }
  if (!KEBAB_CASE.test(file)) faults.push(fault(source, 1, 'name', 'is not named in kebab-case.ts'));
  const words = parts.flatMap((part) => part.replace(/(?:\.test)?\.ts$/, '').split('-'));
  const refused = words.find((word) => NAMES_REFUSED.includes(word));
  if (refused !== undefined) {
    faults.push(fault(source, 1, 'name', `is called "${refused}", which says nothing of what is inside`));
  }
  return faults;
}

function importFaults(source: SourceFile, one: SourceImport, packages: readonly string[]): FloorFault[] {
  const floor = floorOf(source.path);
  if (floor === undefined) return [];
  const { specifier, line } = one;
  if (specifier === null) {
    return [fault(source, line, 'arrow', 'imports a computed name, which hides who depends on whom')];
  }
  const isTest = TEST_FILE.test(source.path);
  if (specifier.startsWith('.')) return relativeFaults(source, floor, specifier, line, isTest);
  // A test beside the code is no part of the product: it may use whatever is installed.
  if (isTest) return [];
  if (TEST_PACKAGES.includes(specifier)) {
    return [fault(source, line, 'test-only', `imports ${specifier}, which is for tests`)];
  }
  if (specifier === 'node:process' || specifier === 'process') {
    return [fault(source, line, 'global', `imports ${specifier}: use the global, which the other rules see`)];
  }
  if (specifier.startsWith('node:')) {
    const name = specifier.slice('node:'.length);
    if (floor.node.includes('*') || floor.node.includes(name)) return [];
    return [fault(source, line, 'package', `imports ${specifier}, which ${floorName(source.path)} must not`)];
  }
  return packageFaults(source, floor, specifier, line, packages);
}

function relativeFaults(
  source: SourceFile,
  floor: Floor,
  specifier: string,
  line: number,
  isTest: boolean,
): FloorFault[] {
  const target = normalize(join(dirname(source.path), specifier));
  const from = floorName(source.path);
  const to = floorName(target);
  if (!target.startsWith('src/')) {
    return [fault(source, line, 'test-only', `imports ${target}: nothing in src imports what is outside it`)];
  }
  if (TEST_FILE.test(target) && !isTest) {
    return [fault(source, line, 'test-only', `imports the test ${target}`)];
  }
  if (to === from) {
    const own = adapterName(target) === adapterName(source.path);
    const apart = floor.apart === true && !own && !SHARED_ADAPTERS.includes(adapterName(target));
    return apart
      ? [
          fault(
            source,
            line,
            'arrow',
            `imports ${target}: ${from} do not import each other; use a port or base`,
          ),
        ]
      : [];
  }
  if (!floor.floors.includes(to)) {
    const may = floor.floors.length === 0 ? 'nothing else of src' : floor.floors.join(', ');
    return [fault(source, line, 'arrow', `imports ${target}: ${from} may import ${may}`)];
  }
  if (from === 'simulate' && to === 'adapters' && !SIMULATE_ADAPTERS.includes(adapterName(target))) {
    return [
      fault(source, line, 'arrow', `imports ${target}: simulate may import ${SIMULATE_ADAPTERS.join(', ')}`),
    ];
  }
  return [];
}

function packageFaults(
  source: SourceFile,
  floor: Floor,
  specifier: string,
  line: number,
  packages: readonly string[],
): FloorFault[] {
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  if (floor.peers?.includes(name) === true) return [];
  if (!packages.includes(name)) {
    return [
      fault(source, line, 'package', `imports ${name}, which is not under "dependencies" in package.json`),
    ];
  }
  const allowed = floor.packages.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
  return allowed
    ? []
    : [fault(source, line, 'package', `imports ${name}, which ${floorName(source.path)} must not`)];
}

function useFaults(source: SourceFile): FloorFault[] {
  const floor = floorOf(source.path);
  // A test beside the code waits, and the generators of its properties bring their own chance.
  if (floor === undefined || TEST_FILE.test(source.path)) return [];
  const faults: FloorFault[] = [];
  for (const { name, line } of source.globals) {
    const why = floor.banned.get(name);
    if (why === undefined) continue;
    if (name === 'process.env' && ENVIRONMENT_READERS.test(source.path)) continue;
    faults.push(fault(source, line, 'global', `uses ${name}: ${why}`));
  }
  if (floor.noAsync === true) {
    const waits = source.asyncLines.map((line) => ({ line, what: 'async or await' }));
    const promises = source.globals
      .filter(({ name }) => name === 'Promise')
      .map(({ line }) => ({ line, what: 'Promise' }));
    for (const { line, what } of [...waits, ...promises]) {
      faults.push(fault(source, line, 'async', `has ${what}: a function that must wait is not a decision`));
    }
  }
  return faults;
}

/** Files among `known` that are loaded when this one is; two that only know each other's types are not. */
function targets(source: SourceFile, known: ReadonlyMap<string, SourceFile>): readonly SourceFile[] {
  return source.imports.flatMap(({ specifier, typeOnly }) => {
    if (typeOnly || specifier?.startsWith('.') !== true) return [];
    const target = known.get(normalize(join(dirname(source.path), specifier)));
    return target === undefined ? [] : [target];
  });
}

function byPath(sources: readonly SourceFile[]): ReadonlyMap<string, SourceFile> {
  return new Map(sources.map((source) => [source.path, source]));
}

/** One fault for each file whose imports lead back to a file that is still being followed. */
function cycleFaults(sources: readonly SourceFile[]): FloorFault[] {
  const known = byPath(sources);
  const faults: FloorFault[] = [];
  const done = new Set<SourceFile>();
  const trail: SourceFile[] = [];
  const follow = (source: SourceFile): void => {
    const at = trail.indexOf(source);
    if (at !== -1) {
      const circle = [...trail.slice(at), source].map(({ path }) => path);
      faults.push(fault(source, 1, 'cycle', `imports itself by way of ${circle.join(' → ')}`));
      return;
    }
    if (done.has(source)) return;
    trail.push(source);
    for (const target of targets(source, known)) follow(target);
    trail.pop();
    done.add(source);
  };
  for (const source of sources) follow(source);
  return faults;
}

/** Only *.test.ts is run: a file with tests under another name, which none of them imports, proves nothing. */
function notRunFaults(sources: readonly SourceFile[]): FloorFault[] {
  const known = byPath(sources);
  const reached = new Set<SourceFile>();
  const reach = (source: SourceFile): void => {
    if (reached.has(source)) return;
    reached.add(source);
    for (const target of targets(source, known)) reach(target);
  };
  for (const source of sources) if (TEST_FILE.test(source.path)) reach(source);
  return sources
    .filter((source) => source.path.startsWith('src/') || source.path.startsWith('test/'))
    .filter((source) => !source.path.startsWith('test/fixtures/'))
    .filter(
      (source) => !reached.has(source) && source.imports.some(({ specifier }) => specifier === 'node:test'),
    )
    .map((source) =>
      fault(source, 1, 'not-run', 'has tests, but only *.test.ts and what they import is run'),
    );
}
