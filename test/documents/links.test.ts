import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const PAGES = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'deploy/*.md']).filter(
  (path) => !path.includes('node_modules'),
);

test('every relative link of every page leads to something', () => {
  assert.ok(PAGES.length > 10, 'the pages were not found');
  const broken = PAGES.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !existsSync(join(dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const missing = PAGES.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/npm (?:run ([a-z0-9:-]+)|(start|test))/g)]
      .map(([, run, bare]) => run ?? bare ?? '')
      .filter((name) => !(name in scripts))
      .map((name) => `${page}: npm run ${name}`),
  );
  assert.deepEqual(missing, []);
});

test('every decision is listed on their page', () => {
  const listed = readFileSync('docs/decisions/README.md', 'utf8');
  const pages = globSync('docs/decisions/[0-9]*.md');
  assert.ok(pages.length > 0);
  for (const page of pages) assert.ok(listed.includes(`(${page.split('/').at(-1)})`), page);
});
