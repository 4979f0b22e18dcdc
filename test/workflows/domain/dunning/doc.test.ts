import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { isEntitled } from '../../../../workflows/domain/subscription/stage';
import type { SubscriptionStage } from '../../../../workflows/domain/subscription/subscription';
import { failuresOf, follow, usualStory, type Story } from '../../../support/dunning-story';
import { DAY_MS, HOUR_MS } from '../../../support/facts/subscription';

// The document says what the function does, in every run. HOLDFAST_WRITE_DOCS=1 writes what it does into the document.
const DOCUMENT = resolve(__dirname, '../../../../docs/dunning.md');
const policy = DEFAULT_DUNNING_POLICY;
const third = usualStory(policy, '').tries[2]?.atMs ?? 0;

const soft = usualStory(policy, 'insufficient_funds');
const STORIES: Readonly<Record<string, Story>> = {
  soft,
  hard: usualStory(policy, 'lost_card'),
  trial: usualStory(policy, 'insufficient_funds', { isTrial: true }),
  healed: usualStory(policy, 'insufficient_funds', { paidMs: third, heardMs: [soft.tries[0]?.atMs ?? 0, third] }),
};

const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** Fields that a customer reads a date or a number in. */
const SAID = ['nextTryAt', 'triesLeft', 'lastTryAt', 'until', 'outcome', 'reason'];

function rowsOf(story: Story): string[][] {
  const firstMs = story.tries[0]?.atMs ?? 0;
  const rows = follow(story).told.map(({ ms, notice }) => {
    const said = Object.entries(notice.data)
      .filter(([field]) => SAID.includes(field))
      .map(
        ([field, value]) =>
          `${field} ${/^\d{4}-/.test(String(value)) ? time(Date.parse(String(value))) : String(value)}`,
      );
    const failures = failuresOf(story).filter((one) => one.atMs <= ms).length;
    return [((ms - firstMs) / DAY_MS).toFixed(1), time(ms), String(failures), `\`${notice.kind}\``, said.join(', ')];
  });
  return [['day', 'sent at (UTC)', 'attempts refused', 'notice', 'it says'], ...rows];
}

function pictureOf(story: Story): string {
  const point = (name: string, ms: number): string => `  ${name} :milestone, ${time(ms).replace(' ', 'T')}, 0d`;
  return [
    '```mermaid',
    'gantt',
    '  dateFormat YYYY-MM-DDTHH:mm',
    '  axisFormat %e %b',
    '  section Attempts',
    ...story.tries.map((one, index) => point(`attempt ${index + 1}`, one.atMs)),
    '  section Notices',
    ...follow(story).told.map(({ ms, notice }) => point(notice.kind, ms)),
    '```',
  ].join('\n');
}

const tableOf = (rows: readonly (readonly string[])[]): string =>
  [rows[0], rows[0]?.map(() => '---'), ...rows.slice(1)].map((row) => `| ${row?.join(' | ')} |`).join('\n');

/** Cells without the spaces that align them. */
const cellsOf = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

function section(name: string): string {
  const text = readFileSync(DOCUMENT, 'utf8');
  const found = new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)<!-- end -->`).exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/dunning.md has no section ${name}`);
  return found.trim();
}

beforeAll(() => {
  if (process.env['HOLDFAST_WRITE_DOCS'] !== '1') return;
  const written: Record<string, string> = { 'soft-picture': pictureOf(soft) };
  for (const [name, story] of Object.entries(STORIES)) written[name] = tableOf(rowsOf(story));
  const text = Object.entries(written).reduce(
    (before, [name, body]) =>
      before.replace(new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`), `$1\n${body}\n\n$2`),
    readFileSync(DOCUMENT, 'utf8'),
  );
  writeFileSync(DOCUMENT, text);
});

describe('docs/dunning.md', () => {
  it.each(Object.keys(STORIES))('says what is told: %s', (name) => {
    expect(cellsOf(section(name))).toEqual(rowsOf(STORIES[name] as Story));
  });

  it('shows it in its picture', () => {
    expect(section('soft-picture')).toBe(pictureOf(soft));
  });

  it('names the values of the default policy', () => {
    const rules = readFileSync(DOCUMENT, 'utf8').split('## The rules')[1] ?? '';
    const hours = (ms: number): string => `${ms / HOUR_MS} h`;
    const days = (ms: number): string => `${ms / DAY_MS} days`;
    for (const said of [
      `\`graceMs\`: ${hours(policy.graceMs)}`,
      `\`spacingMs\`: ${days(policy.spacingMs)}`,
      `\`lastNoticeMs\`: ${days(policy.lastNoticeMs)}`,
      `\`planningMs\`: ${hours(policy.planningMs)}`,
      `\`quietHours\`: ${policy.quietHours.from} to ${policy.quietHours.to}`,
      `\`trialNoticeMs\`: ${days(policy.trialNoticeMs)}`,
      `\`maxAttempts\` ${policy.maxAttempts}, \`retrySpanMs\` ${days(policy.retrySpanMs)}, \`providerOutcome\` ${policy.providerOutcome}`,
    ]) {
      expect(rules).toContain(said);
    }
  });

  it('says of each stage who may use the service', () => {
    const stages = cellsOf(readFileSync(DOCUMENT, 'utf8').split('## Stages of a subscription')[1] ?? '').slice(1);
    expect(stages.length).toBe(9);
    for (const [name = '', , entitled] of stages) {
      const stage = /`(\w+)`/.exec(name)?.[1] as SubscriptionStage;
      expect(entitled).toBe(isEntitled(stage, name.includes('exhausted')) ? 'yes' : 'no');
    }
  });
});
