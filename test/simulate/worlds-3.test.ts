import { it } from 'node:test';
import { prove } from './proof/prove.ts';

it('500 worlds hold the invariants after every event, from seed 3', () => prove({ seed: 3, worlds: 500 }));
