import type { FastifySchemaCompiler } from 'fastify';
import { checkShape } from '../decide/update/check-shape.ts';
import { FaultList, faultsError } from '../model/faults.ts';

/**
 * Checks path and query by their schemas; bodies pass, because what is behind them tells all faults
 * of a body together, those between fields too, which no schema can say.
 */
export const compileCheck: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return () => true;
  return (data: Readonly<Record<string, unknown>>) => {
    const value = withValues(schema, data);
    const faults = new FaultList();
    checkShape(schema, value, faults);
    return faults.empty ? { value } : { error: faultsError(faults.toFaults()) };
  };
};

/** Everything in a path or query is text: what the schema calls a number or a boolean, and looks like one, becomes one. */
function withValues(
  schema: object,
  data: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const properties =
    (schema as { properties?: Readonly<Record<string, { type?: string }>> }).properties ?? {};
  const entries = Object.entries(data).map(([name, value]) => {
    const wanted = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
    if (typeof value !== 'string') return [name, value] as const;
    if (wanted === 'integer' && /^-?\d{1,15}$/.test(value)) return [name, Number(value)] as const;
    if (wanted === 'boolean' && /^(?:true|false)$/.test(value)) return [name, value === 'true'] as const;
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}
