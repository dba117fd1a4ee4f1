import { it } from 'node:test';
import { prove } from './proof/prove.ts';

it('500 worlds hold the invariants after every event, from seed 2', () => prove({ seed: 2, worlds: 500 }));
