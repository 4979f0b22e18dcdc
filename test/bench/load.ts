import { addCpu, cpuSince, cpuTimes } from './cpu';
import type { CpuTimes } from './cpu';

/** What a load came to. */
export interface Sample {
  /** Time to each answer, in milliseconds. */
  readonly latenciesMs: readonly number[];
  /** From the first request to the end of the last one, whatever the load counts as its end. */
  readonly elapsedMs: number;
  /** Processor time of this process and of those it started, meanwhile. */
  readonly cpu?: CpuTimes;
}

/** Keeps `inFlight` requests under way until `count` are answered: the next one starts when one ends. */
export async function closedLoop(
  count: number,
  inFlight: number,
  request: (index: number) => Promise<unknown>,
): Promise<Sample> {
  const latenciesMs: number[] = [];
  const usedBefore = cpuTimes();
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const sentAt = performance.now();
      await request(index);
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
  const elapsedMs = performance.now() - startedAt;
  return { latenciesMs, elapsedMs, cpu: cpuSince(usedBefore) };
}

/** Something to be measured beside others. */
export interface Contender {
  readonly name: string;
  /** Prepares, measures and clears up; only what it answers counts. */
  run(count: number, inFlight: number): Promise<Sample>;
}

/** What the rounds of one contender came to. */
export interface Result {
  readonly name: string;
  /** Median over the rounds, per second. */
  readonly perSecond: number;
  /** Over the answers of all rounds, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Each round's own rate, for ratios within a round. */
  readonly rates: readonly number[];
  /** Processor time for one request, by program, in milliseconds. */
  readonly cpu: CpuTimes;
}

export interface Rounds {
  readonly rounds: number;
  readonly count: number;
  readonly inFlight: number;
  readonly progress: (line: string) => void;
}

/** Measures contenders in rounds, A B C, then B C A, …: what drifts on the machine hits all of them alike. */
export async function interleave(contenders: readonly Contender[], options: Rounds): Promise<Result[]> {
  const { rounds, count, inFlight, progress } = options;
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round) % contenders.length;
      const contender = contenders[index] as Contender;
      const sample = await contender.run(count, inFlight);
      samples[index]?.push(sample);
      progress(
        `round ${round + 1}/${rounds}, ${inFlight} in flight, ${contender.name}: ${rateOf(sample).toFixed(1)}/s`,
      );
    }
  }
  return contenders.map(({ name }, index) => toResult(name, samples[index] ?? []));
}

export function toResult(name: string, samples: readonly Sample[]): Result {
  const rates = samples.map(rateOf);
  const latenciesMs = samples.flatMap((sample) => sample.latenciesMs);
  return {
    name,
    perSecond: median(rates),
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    rates,
    cpu: Object.fromEntries(
      Object.entries(addCpu(samples.map((sample) => sample.cpu ?? {}))).map(
        ([program, usedMs]) => [program, usedMs / latenciesMs.length] as const,
      ),
    ),
  };
}

/** Median over the rounds of one contender's rate by another's in the same round. */
export function ratio(one: Result, other: Result): number {
  return median(one.rates.map((rate, round) => rate / (other.rates[round] ?? Number.NaN)));
}

/** The smallest value that this share of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function rateOf(sample: Sample): number {
  return (sample.latenciesMs.length * 1000) / sample.elapsedMs;
}
