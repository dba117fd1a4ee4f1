import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { describeConfig, parseConfig } from '../../src/main/config.ts';
import { rowsBelow, section } from './markdown-table.ts';

test('README.md lists every setting with its default', () => {
  const parsed = parseConfig([], {});
  assert.ok('config' in parsed);
  const inForce = Object.entries(describeConfig(parsed.config)).map(([key, value]) => {
    return `${key} ${value === '(unset)' ? '' : value}`;
  });
  const written = rowsBelow(section('README.md', 'Configuration'), 'variable').map(([key, value = '']) => {
    return `${key} ${value.startsWith('./') ? resolve(value) : value}`;
  });
  assert.deepEqual(written, inForce);
});

test('README.md shows how to serve, to watch and to check on the first screen, and stays short', () => {
  const lines = readFileSync('README.md', 'utf8').split('\n');
  const screen = lines.slice(0, 24).join('\n');
  assert.match(screen, /npm ci && npm start\n[\s\S]*npm ci && npm run demo\n[\s\S]*npm ci && npm test\n/);
  assert.ok(lines.length <= 200, `it has ${lines.length} lines`);
});
