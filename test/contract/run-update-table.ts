import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { faultPath, updateTable, valueAt, wrongTypes, type ContractRow } from './update-table.ts';

export type UpdateResult =
  | { readonly taken: true; readonly before: unknown; readonly after: unknown }
  | { readonly taken: false; readonly reason: string; readonly faults: Readonly<Record<string, string>> };

/**
 * What the table is run against. `update` applies one body to a fresh endpoint (no ports, no volumes,
 * health_check {path: "", port: 0}, min_replicas 0), and tells it as GET shows it before and after.
 */
export interface UpdateTarget {
  update(body: unknown): Promise<UpdateResult> | UpdateResult;
}

export function runUpdateTable(name: string, target: () => UpdateTarget): void {
  void describe(`update contract against ${name}`, () => {
    for (const row of updateTable) {
      void it(`${row.path}: takes what is within its bounds`, async () => {
        await Promise.all(row.legal.map((value) => expectTaken(target(), row, value)));
      });
      void it(`${row.path}: refuses what is past them and of a wrong type`, async () => {
        const values = [...row.illegal, ...wrongTypes(row.facts.type)];
        await Promise.all(values.map((value) => expectRefused(target(), row, value)));
      });
    }

    void it('a field of worker_config cannot be sent without max_replicas', async () => {
      const result = await target().update({ worker_config: { min_replicas: 0 } });
      assert.ok(!result.taken);
      assert.deepEqual(Object.keys(result.faults), ['worker_config.max_replicas']);
    });
  });
}

async function expectRefused(target: UpdateTarget, row: ContractRow, value: unknown): Promise<void> {
  const fault = faultPath(row.path);
  const result = await target.update(row.body(value));
  assert.ok(!result.taken, `taken: ${brief(value)}`);
  assert.equal(result.reason, 'VALIDATOR_PARAM', brief(value));
  const told = Object.keys(result.faults);
  assert.ok(
    told.some((path) => path === fault || path.startsWith(`${fault}.`) || path.startsWith(`${fault}[`)),
    `${brief(value)} is told at ${told.join(', ')}`,
  );
  for (const text of Object.values(result.faults)) assert.match(text, /allowed: |did you mean|known fields/);
}

async function expectTaken(target: UpdateTarget, row: ContractRow, value: unknown): Promise<void> {
  const result = await target.update(row.body(value));
  if (!result.taken) {
    const why = `refused ${brief(value)}: ${result.reason} ${JSON.stringify(result.faults)}`;
    assert.ok(row.otherRefusals?.includes(result.reason) === true, why);
    // A value that is legal in itself may be refused for this machine, but not for its form.
    if (result.reason === 'VALIDATOR_PARAM')
      assert.doesNotMatch(Object.values(result.faults).join(), /character/);
    return;
  }
  const expected = row.shown === undefined ? value : row.shown(value, valueAt(result.before, row.path));
  assert.deepEqual(valueAt(result.after, row.path), expected, brief(value));
}

function brief(value: unknown): string {
  return inspect(value, { depth: 3, maxStringLength: 40, maxArrayLength: 3, breakLength: Infinity });
}
