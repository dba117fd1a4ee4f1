import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { describeConfig, parseConfig } from '../../src/main/config.ts';
import { rowsBelow, section } from './markdown-table.ts';

test('docs/configuration.md lists every setting with its default', () => {
  assert.deepEqual(settingsWritten('docs/configuration.md', 'Settings'), settingsInForce());
});

test('README.md lists some of them, and those alike', () => {
  const written = settingsWritten('README.md', 'Configuration');
  assert.ok(written.length > 0);
  const inForce = settingsInForce();
  assert.deepEqual(
    written.filter((row) => !inForce.includes(row)),
    [],
  );
});

/** Rows as `KEY default`, as a page shows them. */
function settingsWritten(page: string, heading: string): string[] {
  return rowsBelow(section(page, heading), 'variable').map(([key, value = '']) => {
    return `${key} ${value.startsWith('./') ? resolve(value) : value}`;
  });
}

function settingsInForce(): string[] {
  const parsed = parseConfig([], {});
  assert.ok('config' in parsed);
  return Object.entries(describeConfig(parsed.config)).map(([key, value]) => {
    return `${key} ${value === '(unset)' ? '' : value}`;
  });
}

test('README.md shows how to serve, to watch and to check on the first screen, and stays short', () => {
  const lines = readFileSync('README.md', 'utf8').split('\n');
  const screen = lines.slice(0, 24).join('\n');
  assert.match(screen, /npm ci && npm start\n[\s\S]*npm ci && npm run demo\n[\s\S]*npm ci && npm test\n/);
  assert.ok(lines.length <= 200, `it has ${lines.length} lines`);
});
