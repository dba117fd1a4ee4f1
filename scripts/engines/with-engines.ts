/**
 * Runs a command beside real engines: `node scripts/engines/with-engines.ts [--install] [command…]`.
 * Without a command: all tests that use them. The engines, and the command with them, live in a network
 * namespace of their own, so several such runs and the machine's own engine do not meet. It takes root
 * and what engine-packages.ts names; `--install` gets that from Debian, for machines that are thrown away.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPrograms, missingPrograms } from './engine-packages.ts';

const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

/** Every test file that asks test/support/engines.ts for an engine. */
function engineTests(): readonly string[] {
  const files = globSync('test/**/*.test.ts').filter((file) =>
    readFileSync(file, 'utf8').includes('support/engines.ts'),
  );
  return [...NODE, '--test', '--test-concurrency=2', ...files.toSorted()];
}

const words = process.argv.slice(2);
const install = words[0] === '--install';
const given = install ? words.slice(1) : words;
const command = given.length === 0 ? engineTests() : given;

if (process.getuid?.() !== 0) {
  console.error('Engines for tests are started by root only. Their tests can be left to CI, which has them.');
  process.exit(2);
}
const missing = missingPrograms();
if (missing.length > 0 && !install) {
  console.error(`This machine lacks ${missing.join(', ')}; --install gets them with apt-get.`);
  process.exit(2);
}
if (missing.length > 0) {
  console.log(`installing what comes with ${missing.join(', ')}`);
  installPrograms(missing);
}

const inside = [...NODE, join(import.meta.dirname, 'run-inside.ts'), ...command];
// Its death ends the run inside, which cleans up behind itself.
const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'unshare', '--net', '--', ...inside], {
  stdio: 'inherit',
});
// Ctrl-C reaches the whole group by itself.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
const [code] = (await once(child, 'exit')) as [number | null];
process.exitCode = code ?? 1;
