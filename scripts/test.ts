/**
 * The one check: `npm test` runs all stages, quick ones first, and stops behind the first that
 * fails. `node scripts/test.ts lint unit` runs the named ones.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { TestReport } from './test/run-files.ts';

interface CommandStage {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

interface TestStage {
  readonly name: string;
  readonly files: readonly string[];
  readonly concurrency: number;
  readonly fileLimitMs: number;
}

type Stage = CommandStage | TestStage;

const MINUTE_MS = 60_000;
/** A stage that takes longer hangs: CI has to be done in this time. */
const STAGE_LIMIT_MS = 10 * MINUTE_MS;
/** Real servers and processes, which wait most of the time: for bakes, idle time-outs, deadlines. */
const END_TO_END = 'test/e2e/**/*.test.ts';
/** Read or parse the repository, start nothing. */
const QUICK = ['src/**/*.test.ts', 'test/*.test.ts', 'test/documents/*.test.ts'];

const STAGES: readonly Stage[] = [
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'lint', command: ['oxlint', '--type-aware'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  testStage('unit', QUICK, [], 1, availableParallelism()),
  testStage('integration', ['test/**/*.test.ts'], [...QUICK, END_TO_END], 3, availableParallelism()),
  testStage('e2e', [END_TO_END], [], 6, availableParallelism() + 1),
];

function testStage(
  name: string,
  patterns: readonly string[],
  except: readonly string[],
  fileLimitMinutes: number,
  concurrency: number,
): TestStage {
  const left = new Set(globSync(except));
  const files = globSync(patterns).filter((file) => !left.has(file));
  return {
    name,
    files: files.toSorted(),
    concurrency,
    fileLimitMs: fileLimitMinutes * MINUTE_MS,
  };
}

function chosenStages(names: readonly string[]): readonly Stage[] {
  const unknown = names.filter((name) => STAGES.every((stage) => stage.name !== name));
  if (unknown.length > 0) {
    console.error(
      `No stage ${unknown.join(', ')}. There are: ${STAGES.map((stage) => stage.name).join(', ')}.`,
    );
    process.exit(2);
  }
  return names.length === 0 ? STAGES : STAGES.filter((stage) => names.includes(stage.name));
}

function runCommand(stage: CommandStage): boolean {
  const [program, ...rest] = stage.command;
  const { error, status } = spawnSync(program, rest, { stdio: 'inherit' });
  if (error !== undefined)
    console.error(`${program} could not be started (run npm ci first): ${error.message}`);
  return status === 0;
}

async function runTests(stage: TestStage, report: TestReport): Promise<boolean> {
  if (stage.files.length > 0) return report.run({ ...stage, runLimitMs: STAGE_LIMIT_MS });
  console.error(`No test file was found for the stage ${stage.name}: a pattern or a folder is wrong.`);
  return false;
}

const stages = chosenStages(process.argv.slice(2));
const ci = !['', '0', 'false'].includes(process.env['CI'] ?? '');
let report: TestReport | null = null;
let passed = true;
for (const stage of stages) {
  console.log(`\n== ${stage.name}${'files' in stage ? ` (${stage.files.length} files)` : ''}`);
  const startedMs = Date.now();
  if ('command' in stage) passed = runCommand(stage);
  else passed = await runTests(stage, (report ??= new TestReport(ci)));
  const seconds = ((Date.now() - startedMs) / 1_000).toFixed(1);
  console.log(`== ${stage.name} ${passed ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (!passed) break;
}
await report?.end();
process.exitCode = passed && (report?.ok ?? true) ? 0 : 1;
