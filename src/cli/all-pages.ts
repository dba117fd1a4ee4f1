/** The server's largest page. */
const PAGE_LIMIT = 1000;

interface Page<Item> {
  readonly data: readonly Item[];
  readonly next_cursor: string;
  readonly has_more: boolean;
}

/** Every item of a list that the server bounds, page by page. */
export async function allPages<Item>(
  ask: (query: { readonly limit: number; readonly cursor: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor = '';
  for (;;) {
    const page = await ask({ limit: PAGE_LIMIT, cursor });
    items.push(...page.data);
    cursor = page.next_cursor;
    if (!page.has_more || cursor === '') return items;
  }
}
