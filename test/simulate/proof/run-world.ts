import { ProofWorld } from './proof-world.ts';
import { Violation } from './violation.ts';
import type { WorldPlan } from './world-plan.ts';

/** Runs a world to its end; returns what happened in it. Throws a `Violation` where an invariant breaks. */
export async function runWorld(plan: WorldPlan): Promise<string> {
  const world = await ProofWorld.of(plan);
  try {
    if (plan.kind === 'roomy') {
      await world.runRoomy(plan);
    } else {
      await world.createAll();
      for (const step of plan.steps) await world.apply(step);
      await world.conclude(plan);
    }
  } catch (error) {
    if (error instanceof Violation) error.message += `\n  the last of what happened:\n${tail(world.trace)}`;
    throw error;
  }
  return world.trace;
}

function tail(trace: string): string {
  return trace
    .split('\n')
    .slice(-15)
    .map((line) => `    ${line}`)
    .join('\n');
}
