import { firstTables } from './0001-first-tables.ts';
import { arrivalChunks } from './0002-arrival-chunks.ts';
import { revisionHistory } from './0003-revision-history.ts';
import { rolloutOptions } from './0004-rollout-options.ts';
import { exitFacts } from './0005-exit-facts.ts';
import { lastWords } from './0006-last-words.ts';
import { registriesAndVolumes } from './0007-registries-and-volumes.ts';
import { pinnedImages } from './0008-pinned-images.ts';
import type { Migration } from './migration.ts';

/** In order. New ones are added at the end. */
export const ALL_MIGRATIONS: readonly Migration[] = [
  firstTables,
  arrivalChunks,
  revisionHistory,
  rolloutOptions,
  exitFacts,
  lastWords,
  registriesAndVolumes,
  pinnedImages,
];
