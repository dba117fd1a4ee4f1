/**
 * Makes the folder that Pilotlight's container image is built from: `npm run image:context -- deploy/context`.
 * All of it is taken from this machine, after `npm ci`: the pinned Node with its libraries, the compiled
 * program, the packages it needs to run. So `docker build` downloads nothing.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { copyNode } from './node-tree.ts';

const REPOSITORY = resolve(import.meta.dirname, '..');
const PAPERS = ['package.json', 'openapi', 'LICENSE', 'README.md', 'CHANGELOG.md'];

const [given] = process.argv.slice(2);
if (given === undefined) {
  console.error('Say where: npm run image:context -- deploy/context');
  process.exit(2);
}
const context = resolve(given);
const root = join(context, 'rootfs');
const app = join(root, 'app');

rmSync(root, { recursive: true, force: true });
mkdirSync(app, { recursive: true });
copyNode(root);
run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', join(app, 'dist')]);
for (const paper of PAPERS) cpSync(join(REPOSITORY, paper), join(app, paper), { recursive: true });
const packages = run('npm', ['ls', '--omit=dev', '--all', '--parseable']).split('\n').slice(1);
for (const path of packages) {
  if (path === '') continue;
  // The packages inside of one are copied with it.
  cpSync(path, join(app, relative(REPOSITORY, path)), { recursive: true });
}
writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\n');
cpSync(join(REPOSITORY, 'deploy/healthcheck.mjs'), join(app, 'healthcheck.mjs'));
cpSync(join(REPOSITORY, 'deploy/Dockerfile'), join(context, 'Dockerfile'));
console.log(`wrote ${context}; now: docker build -t pilotlight ${relative(process.cwd(), context)}`);

function run(program: string, words: readonly string[]): string {
  return execFileSync(program, words, {
    cwd: REPOSITORY,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
