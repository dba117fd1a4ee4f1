/** Where the known traces come from. Names without the file's ending. */
const SOURCES: readonly (readonly [pattern: RegExp, source: string])[] = [
  [
    /^azure-llm-2023-conv$/,
    'azure-llm-2023-conv: [Azure/AzurePublicDataset](https://github.com/Azure/AzurePublicDataset), AzureLLMInferenceTrace_conv 2023, columns converted; CC BY 4.0',
  ],
  [
    /^mooncake-fast25-conversation$/,
    'mooncake-fast25-conversation: [kvcache-ai/Mooncake](https://github.com/kvcache-ai/Mooncake), FAST25 release, conversation trace, columns converted; Apache-2.0',
  ],
  [
    /^servegen-/,
    'servegen-…: client fits of [alibaba/ServeGen](https://github.com/alibaba/ServeGen), realised request by request with a fixed seed; Apache-2.0',
  ],
];

/** The rule was shaped with these before the eye; all others it met for the first time in the table. */
export const SHAPED_ON: ReadonlySet<string> = new Set([
  'azure-llm-2023-conv',
  'servegen-deepseek-r1-1',
  'servegen-deepseek-r1-27',
  'servegen-deepseek-r1-70',
  'servegen-m-large-92',
  'servegen-m-mid-27',
  'servegen-m-mid-64',
  'servegen-mm-image-8',
]);

export function sourcesOf(names: readonly string[], withGenerated: boolean): readonly string[] {
  const known = SOURCES.filter(([pattern]) => names.some((name) => pattern.test(name))).map(
    ([, source]) => source,
  );
  const others = names.filter((name) => !SOURCES.some(([pattern]) => pattern.test(name)));
  return [
    ...known,
    ...others.map((name) => `${name}: from the folder that was given`),
    ...(withGenerated
      ? ['generated-…: drawn by `bench/autoscale/synthetic.ts`', 'drawn-…: by `bench/autoscale/drawn.ts`']
      : []),
    'A request with P prompt and O output tokens is taken to hold its slot for P × 0.2 ms + O × 20 ms.',
  ];
}
