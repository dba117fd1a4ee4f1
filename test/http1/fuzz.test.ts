import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzz } from './compare.ts';
import { requestsByCodec } from './readings.ts';

/** The same cases in every run of CI; other seeds are for long runs by hand. */
const SEED = Number(process.env['SEED'] ?? 1);
const SECONDS = Number(process.env['PILOTLIGHT_FUZZ_SECONDS'] ?? 60);

it(`takes nothing that node:http refuses or reads differently (SEED=${SEED})`, async () => {
  const endMs = performance.now() + SECONDS * 1_000;
  const { cases, taken, finding } = await fuzz({ seed: SEED, goOn: () => performance.now() < endMs });
  console.log(`${cases} cases, ${taken} messages taken, SEED=${SEED}`);
  assert.equal(
    finding,
    null,
    `${JSON.stringify(finding, null, 2)}\nagain: SEED=${SEED} npx node --test test/http1/fuzz.test.ts`,
  );
  assert.ok(taken > cases / 10, `only ${taken} messages of ${cases} cases were taken at all`);
});

it('finds a reader that is too lenient', async () => {
  // As some servers do: a bare LF ends a line too.
  const lenient = (pieces: readonly Buffer[]) =>
    requestsByCodec(
      pieces.map((piece) => Buffer.from(piece.toString('latin1').replaceAll(/(?<!\r)\n/g, '\r\n'), 'latin1')),
    );
  const { finding } = await fuzz({ seed: 1, requestReader: lenient, goOn: (cases) => cases < 5_000 });
  assert.match(finding?.what ?? 'nothing was found', /was taken, and the oracle did not|read differently/);
});
