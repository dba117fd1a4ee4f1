import type { Migration } from './migration.ts';

/** Which bytes the image of a revision stands for, whatever becomes of its tag. */
export const pinnedImages: Migration = {
  number: 8,
  name: 'pinned-images',
  statements: [`ALTER TABLE revisions ADD COLUMN pinned_image text`],
};
