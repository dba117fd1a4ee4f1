import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findBroken } from '../proof/prove.ts';
import type { WorldPlan } from '../proof/world-plan.ts';
import { plant, type PlantedBug } from './planted-bug.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const WORLDS_MAX = 500;
const PROOF = 'test/simulate/proof';

/**
 * Plants the bug in a copy of the sources and runs worlds with it. Returns how many it took until one
 * broke, or null when all of them held.
 */
export async function huntBug(bug: PlantedBug, worlds: number): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-bug-'));
  try {
    await cp(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
    await cp(join(ROOT, PROOF), join(folder, PROOF), { recursive: true });
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const file = join(folder, 'src', bug.file);
    await writeFile(file, plant(bug, await readFile(file, 'utf8')));
    const { runWorld } = (await import(pathToFileURL(join(folder, PROOF, 'run-world.ts')).href)) as {
      runWorld: (plan: WorldPlan) => Promise<string>;
    };
    const broken = await findBroken({ seed: 1, worlds, run: runWorld, shrinks: false });
    return broken?.numRuns ?? null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A test: worlds with this bug do not all hold. */
export function itFinds(bug: PlantedBug): void {
  it(bug.name, async (context) => {
    const worlds = await huntBug(bug, WORLDS_MAX);
    assert.notEqual(worlds, null, `${WORLDS_MAX} worlds hold with the bug in src/${bug.file}`);
    context.diagnostic(`found in world ${worlds}`);
  });
}
