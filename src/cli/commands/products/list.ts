import type { Product } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';

/** The server's largest page; a host has a handful of products. */
const PAGE_LIMIT = 1000;

export const productsList = defineCommand({
  name: 'products list',
  summary: 'list kinds of machine and what is free of them',
  arguments: {},
  options: {},
  examples: [],
  async run({ client, output, options }) {
    const products: Product[] = [];
    for (const type of ['cpu', 'gpu'] as const) {
      const query = { category: 'serverless', type, limit: PAGE_LIMIT } as const;
      products.push(...(await client.call('listProducts', { query })).data);
    }
    if (options.json) {
      output.json(products);
      return EXIT.ok;
    }
    output.table(
      ['ID', 'TYPE', 'FREE', 'GPU MEMORY', 'NAME'],
      products.map(({ id, name, type, resource_spec: { gpu } }) => [
        { text: id },
        { text: type },
        { text: type === 'gpu' ? `${gpu.available} of ${gpu.max_available}` : '-' },
        { text: gpu.memory_gb === 0 ? '-' : `${gpu.memory_gb} GB` },
        { text: name },
      ]),
    );
    return EXIT.ok;
  },
});
