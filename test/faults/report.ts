import Table from 'cli-table3';
import { isWhole } from '../support/property';
import type { Verdict } from './order/matrix';
import type { Boundary, Mode } from './plan';

export interface StoryResult {
  readonly recording: { readonly story: { readonly name: string }; readonly boundaries: readonly Boundary[] };
  readonly verdicts: readonly Verdict[];
}

/** What was tried, as a table where it was the whole matrix, and every violation in words below it. */
export function report(title: string, results: readonly StoryResult[]): string {
  const verdicts = results.flatMap((one) => one.verdicts);
  const tried = [...new Set(verdicts.map((one) => one.fault.mode))];
  const boundaries = results.reduce((sum, one) => sum + one.recording.boundaries.length, 0);
  const wrong = verdicts.filter((one) => one.violations.length > 0);
  const found = wrong.reduce((sum, one) => sum + one.violations.length, 0);
  return [
    ...(isWhole ? [tableOf(results, tried)] : []),
    `${title}: ${boundaries} boundaries, ${tried.length} modes, ${verdicts.length} cases, ${found} violations`,
    ...wrong.map(
      ({ story, fault, violations }) =>
        `- ${story}, ${fault.activity} #${fault.occurrence}, ${fault.mode}:\n    ${violations.join('\n    ')}`,
    ),
  ].join('\n');
}

function tableOf(results: readonly StoryResult[], tried: readonly Mode[]): string {
  const table = new Table({ head: ['story', 'boundary', ...tried], style: { head: [], border: [] } });
  for (const { recording, verdicts: ofStory } of results) {
    for (const { activity, occurrence } of recording.boundaries) {
      const cell = (mode: Mode): string => {
        const found = ofStory.find(
          ({ fault }) => fault.activity === activity && fault.occurrence === occurrence && fault.mode === mode,
        );
        if (found === undefined) return '';
        if (found.violations.length > 0) return `${found.violations.length} WRONG`;
        return found.reached ? 'ok' : 'missed';
      };
      table.push([recording.story.name, `${activity} #${occurrence}`, ...tried.map(cell)]);
    }
  }
  return table.toString();
}
