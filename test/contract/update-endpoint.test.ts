import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { EndpointId, OwnerId } from '../../src/base/ids.ts';
import { createEndpointSpec } from '../../src/decide/update/create-spec.ts';
import { planUpdate } from '../../src/decide/update/plan-update.ts';
import { endpointFields } from '../../src/model/endpoint-fields.ts';
import { EndpointUpdateBody } from '../../src/model/endpoint-schema.ts';
import { runUpdateTable } from './run-update-table.ts';
import { updateTable, type ContractFacts } from './update-table.ts';

interface Schema {
  readonly type: ContractFacts['type'];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface ContractDocument {
  readonly paths: {
    readonly '/gpus/v2/endpoints/{endpoint_id}': {
      readonly put: {
        readonly requestBody: {
          readonly content: { readonly 'application/json': { readonly schema: Schema } };
        };
      };
    };
  };
}

async function contractSchema(): Promise<Schema> {
  const file = new URL('./update-endpoint.openapi.yaml', import.meta.url);
  const document = parse(await readFile(file, 'utf8')) as ContractDocument;
  return document.paths['/gpus/v2/endpoints/{endpoint_id}'].put.requestBody.content['application/json']
    .schema;
}

/** Every property of a schema by its path, with what the document says of it. */
function factsOf(
  schema: Schema,
  path = '',
  required = false,
  inherited = '',
): readonly [string, ContractFacts][] {
  const text = `${schema.description ?? ''}${inherited}`;
  // The document tells ranges in its descriptions only, of list items in the list's.
  const bounds = /取值范围:\[(\d+), (\d+)\]/.exec(text) ?? /长度限制:(\d+)-(\d+)/.exec(text);
  const own: ContractFacts = {
    type: schema.type,
    ...(bounds === null || schema.type === 'array'
      ? {}
      : { bounds: [Number(bounds[1]), Number(bounds[2])] as const }),
    ...(schema.enum === undefined ? {} : { enum: schema.enum }),
    ...(required ? { required: true as const } : {}),
  };
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    factsOf(property, path === '' ? name : `${path}.${name}`, schema.required?.includes(name)),
  );
  const item = schema.items;
  const items = item === undefined ? [] : factsOf(item, `${path}[]`, false, itemText(schema.description));
  // The body itself and objects in a list are no properties of their own.
  const isProperty = path !== '' && !(path.endsWith('[]') && schema.type === 'object');
  return [...(isProperty ? [[path, own] as [string, ContractFacts]] : []), ...inside, ...items];
}

/** "Port numbers. Each in the range …": the sentence about each item. */
function itemText(description = ''): string {
  return description.includes('每项') ? description.replace('每项', '').replace(/^.*。(?=取值)/, '') : '';
}

test('the table has every property of the contract, with the facts of its document', async () => {
  const document = Object.fromEntries(factsOf(await contractSchema()));
  const table = Object.fromEntries(updateTable.map((row) => [row.path, row.facts]));
  assert.deepEqual(Object.keys(table).toSorted(), Object.keys(document).toSorted());
  assert.deepEqual(table, document);
});

test('the table bites: each bound is driven on both sides, each enum value is sent', () => {
  for (const { path, facts, legal, illegal } of updateTable) {
    if (facts.bounds !== undefined && facts.type === 'integer') {
      const [min, max] = facts.bounds;
      assert.ok(legal.includes(min) && legal.includes(max), path);
      assert.ok(illegal.includes(min - 1) && illegal.includes(max + 1), path);
    }
    if (facts.bounds !== undefined && facts.type === 'string') {
      const [min, max] = facts.bounds;
      const lengths = (values: readonly unknown[]): readonly number[] =>
        values.map((value) => String(value).length);
      assert.ok(lengths(legal).includes(max) && lengths(illegal).includes(max + 1), path);
      assert.ok(lengths(legal).includes(min) || lengths(illegal).includes(min), path);
      if (min > 0) assert.ok(lengths(illegal).includes(min - 1), path);
    }
    for (const value of facts.enum ?? []) assert.ok(legal.includes(value), path);
    if (facts.enum !== undefined) assert.ok(illegal.length > 0, path);
  }
});

test('our own schema has each of the properties, and beside them the read-only ones alone', async () => {
  const contract = Object.keys((await contractSchema()).properties ?? {});
  const ours = Object.entries(EndpointUpdateBody.properties);
  const editable = ours.filter(([, schema]) => !('readOnly' in schema)).map(([name]) => name);
  assert.deepEqual(editable.toSorted(), contract.toSorted());
});

const MINIMUM = {
  type: 'sync',
  name: 'a',
  product_id: 'cpu',
  image: 'host',
  worker_config: { max_replicas: 2 },
};

runUpdateTable('the pure decision', () => ({
  update(body) {
    const created = createEndpointSpec(MINIMUM, { defaultRegionId: 'local' });
    assert.ok(!('faults' in created));
    const plan = planUpdate(
      {
        id: 'abcdef123456' as EndpointId,
        url: 'http://127.0.0.1/',
        ownerId: 'owner' as OwnerId,
        createdAtMs: 0,
        ...created,
        appName: 'app',
      },
      body,
    );
    if ('faults' in plan) return { taken: false, reason: 'VALIDATOR_PARAM', faults: plan.faults };
    return {
      taken: true,
      before: endpointFields(created.settings, created.spec),
      after: endpointFields(plan.settings, plan.spec),
    };
  },
}));
