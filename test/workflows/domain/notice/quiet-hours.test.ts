import { assertQuietHours, isTimeZone, nextAllowed } from '../../../../workflows/domain/notice/quiet-hours';
import { check, fc } from '../../../support/property';

const MINUTE_MS = 60_000;
const BERLIN = 'Europe/Berlin';

const next = (at: string, from: string, to: string, timeZone: string): string =>
  new Date(nextAllowed(Date.parse(at), { timeZone, from, to })).toISOString();

describe('quiet hours', () => {
  // Berlin sets its clocks forward on 2026-03-29 (02:00 to 03:00) and back on 2026-10-25 (03:00 to 02:00).
  it.each([
    ['outside of them, at once', '2026-01-15T12:00:00.000Z', '21:00', '08:00', BERLIN, '2026-01-15T12:00:00.000Z'],
    ['before midnight', '2026-01-15T21:30:00.000Z', '21:00', '08:00', BERLIN, '2026-01-16T07:00:00.000Z'],
    ['after midnight', '2026-01-16T02:00:00.000Z', '21:00', '08:00', BERLIN, '2026-01-16T07:00:00.000Z'],
    ['the moment they begin', '2026-01-15T20:00:00.000Z', '21:00', '08:00', BERLIN, '2026-01-16T07:00:00.000Z'],
    ['a moment before', '2026-01-15T19:59:59.999Z', '21:00', '08:00', BERLIN, '2026-01-15T19:59:59.999Z'],
    ['the moment they end', '2026-01-16T07:00:00.000Z', '21:00', '08:00', BERLIN, '2026-01-16T07:00:00.000Z'],
    ['a moment before that', '2026-01-16T06:59:59.999Z', '21:00', '08:00', BERLIN, '2026-01-16T07:00:00.000Z'],
    ['within one day', '2026-01-15T12:30:00.000Z', '13:00', '15:00', BERLIN, '2026-01-15T14:00:00.000Z'],
    ['equal times: none', '2026-01-15T12:30:00.000Z', '09:00', '09:00', BERLIN, '2026-01-15T12:30:00.000Z'],
    ['midnight as their end', '2026-01-15T22:30:00.000Z', '20:00', '00:00', BERLIN, '2026-01-15T23:00:00.000Z'],
    ['a short night', '2026-03-28T22:00:00.000Z', '22:00', '08:00', BERLIN, '2026-03-29T06:00:00.000Z'],
    ['a long night', '2026-10-24T21:00:00.000Z', '22:00', '08:00', BERLIN, '2026-10-25T07:00:00.000Z'],
    ['an end that is skipped', '2026-03-29T00:30:00.000Z', '22:00', '02:30', BERLIN, '2026-03-29T01:00:00.000Z'],
    ['hours that are skipped', '2026-03-29T01:00:00.000Z', '02:00', '03:00', BERLIN, '2026-03-29T01:00:00.000Z'],
    ['an end that comes twice', '2026-10-24T23:30:00.000Z', '22:00', '02:30', BERLIN, '2026-10-25T00:30:00.000Z'],
    ['the hour that comes again', '2026-10-25T01:10:00.000Z', '22:00', '02:30', BERLIN, '2026-10-25T01:30:00.000Z'],
    ['over with the change back', '2026-10-25T00:45:00.000Z', '02:30', '03:00', BERLIN, '2026-10-25T01:00:00.000Z'],
    [
      'half an hour of change',
      '2026-10-03T15:00:00.000Z',
      '22:00',
      '08:00',
      'Australia/Lord_Howe',
      '2026-10-03T21:00:00.000Z',
    ],
    ['45 minutes off', '2026-01-15T18:00:00.000Z', '22:00', '08:00', 'Asia/Kathmandu', '2026-01-16T02:15:00.000Z'],
    ['a day that never was', '2011-12-30T09:00:00.000Z', '22:00', '08:00', 'Pacific/Apia', '2011-12-30T18:00:00.000Z'],
    ['UTC', '2026-01-15T23:00:00.000Z', '22:00', '08:00', 'UTC', '2026-01-16T08:00:00.000Z'],
  ])('%s', (_name, at, from, to, timeZone, expected) => {
    expect(next(at, from, to, timeZone)).toBe(expected);
  });

  it('end at the first moment whose wall clock is not quiet, whatever the zone, the hours and the moment', async () => {
    const zones = [
      BERLIN,
      'America/New_York',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
      'Pacific/Apia',
      'UTC',
    ];
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
    // Half of the moments lie within a day of a change of the clock somewhere.
    const changes = [
      '2026-03-29T01:00Z',
      '2026-10-25T01:00Z',
      '2026-03-08T07:00Z',
      '2026-11-01T06:00Z',
      '2026-04-04T15:00Z',
      '2026-10-03T15:30Z',
    ];
    const nearChange = fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -1_500, max: 1_500 }))
      .map(([change, minutes]) => Date.parse(change) + minutes * MINUTE_MS);
    const anyMoment = fc.integer({ min: Date.parse('2020-01-01T00:00Z'), max: Date.parse('2035-01-01T00:00Z') });
    const at = fc.oneof(nearChange, anyMoment);
    await check(
      'quiet hours end when the wall clock says so',
      fc.property(fc.constantFrom(...zones), time, time, at, (timeZone, from, to, atMs) => {
        const wall = new Intl.DateTimeFormat('en-GB', {
          timeZone,
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        });
        const isQuiet = (ms: number): boolean => {
          const shown = wall.format(ms);
          return from <= to ? from <= shown && shown < to : from <= shown || shown < to;
        };
        const allowed = nextAllowed(atMs, { timeZone, from, to });
        expect(allowed).toBeGreaterThanOrEqual(atMs);
        expect(isQuiet(allowed)).toBe(false);
        for (let ms = atMs; ms < allowed; ms += 7 * MINUTE_MS) expect(isQuiet(ms)).toBe(true);
        if (allowed > atMs) expect(isQuiet(allowed - 1)).toBe(true);
        expect(nextAllowed(allowed, { timeZone, from, to })).toBe(allowed);
      }),
      { numRuns: 400 },
    );
  });

  it('that are none are refused by name', () => {
    expect(() => assertQuietHours({ timeZone: BERLIN, from: '24:00', to: '08:00' })).toThrow(/HH:MM/);
    expect(() => assertQuietHours({ timeZone: BERLIN, from: '22:00', to: '8:00' })).toThrow(/"8:00"/);
    expect(() => nextAllowed(0, { timeZone: 'Europe/Atlantis', from: '22:00', to: '08:00' })).toThrow(RangeError);
    expect([isTimeZone(BERLIN), isTimeZone('Europe/Atlantis')]).toEqual([true, false]);
  });
});
