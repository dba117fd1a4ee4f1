import type { Client } from '../client/client.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

/** A command is data: help, parsing and running all read the same definition. */
export interface Command {
  /** Noun, then verb. */
  readonly name: string;
  readonly summary: string;
  /** Its verb may be left out: the noun alone means it. */
  readonly impliedVerb?: boolean;
  /** More for its own help. */
  readonly details?: string;
  /** Argument name → what it is; all are required, in this order. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly options: OptionSpecs;
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  run(context: Context<OptionSpecs, string>): Promise<number>;
}

export interface OptionSpec {
  /** `texts` and `integers` can be given several times; a `flag` has no value. */
  readonly kind: 'text' | 'integer' | 'flag' | 'texts' | 'integers';
  /** Shown in the help for the value, such as `SECONDS`. */
  readonly value?: string;
  readonly description: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

interface ValueOfKind {
  readonly text: string | undefined;
  readonly integer: number | undefined;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly integers: readonly number[];
}
export type OptionValue = ValueOfKind[keyof ValueOfKind];
export type OptionValues<Options extends OptionSpecs> = {
  readonly [Name in keyof Options]: ValueOfKind[Options[Name]['kind']];
};

export interface Context<Options extends OptionSpecs, Argument extends string> {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly arguments: Readonly<Record<Argument, string>>;
  readonly options: OptionValues<Options> & {
    /** Of all commands: the answer is printed as the server gave it. */
    readonly json: boolean;
  };
}

interface Definition<Options extends OptionSpecs, Argument extends string> extends Omit<
  Command,
  'arguments' | 'options' | 'run'
> {
  readonly arguments: Readonly<Record<Argument, string>>;
  readonly options: Options;
  run(context: Context<Options, Argument>): Promise<number>;
}

/**
 * Gives `run` the types that the definition's own arguments and options lead to. The parser fills a
 * context from the same definition, so the narrower one is what it gets.
 */
export function defineCommand<const Options extends OptionSpecs, Argument extends string = never>(
  definition: Definition<Options, Argument>,
): Command {
  return definition;
}
