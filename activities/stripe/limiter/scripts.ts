import {
  BACKGROUND_SHARE,
  BURST_S,
  LEAD_MS,
  LONGEST_PAUSE_MS,
  ONE_REFUSAL_MS,
  OVERDUE_MS,
  RECOVERY_MS,
  SLOWEST,
  TICKET_LIFE_MS,
} from './gate';

/*
 * The gate for Redis 6.2 and newer, one script for each question. The scripts follow gate.ts line by line. Buckets are hashes
 * (t tokens, at, lane, f factor, slow), lines are sorted sets of tickets by their turn. Times are milliseconds of the Redis
 * server's clock, so that the processes' clocks may differ; tests pass their own.
 */

const PRELUDE = `
local function now()
  if ARGV[1] ~= '-' then return tonumber(ARGV[1]) end
  local time = redis.call('time')
  -- A float, because the in-process substitute's integers have 32 bits.
  return tonumber(time[1]) * 1e3 + tonumber(time[2]) / 1e3
end
local function load(key, perSecond, nowMs)
  local raw = redis.call('hmget', key, 't', 'at', 'lane', 'f', 'slow')
  local burst = math.max(1, perSecond * ${BURST_S})
  return {
    key = key,
    perSecond = perSecond,
    burst = burst,
    headroom = math.min(burst / 2, burst - 1),
    t = tonumber(raw[1]) or 1,
    at = tonumber(raw[2]) or nowMs,
    lane = tonumber(raw[3]) or 0,
    f = tonumber(raw[4]) or 1,
    slow = tonumber(raw[5]) or 0
  }
end
local function factor(b, nowMs)
  return math.min(1, b.f + (nowMs - b.slow) / ${RECOVERY_MS})
end
local function rate(b, nowMs)
  return (b.perSecond * factor(b, nowMs)) / 1000
end
local function refill(b, nowMs)
  if b.at > nowMs + ${LONGEST_PAUSE_MS} then b.at = nowMs end
  if b.at >= nowMs then return end
  b.t = math.min(b.burst, b.t + (nowMs - b.at) * rate(b, nowMs))
  b.at = nowMs
end
local function text(number)
  return string.format('%.17g', number)
end
local function save(b, lifeMs)
  redis.call('hset', b.key, 't', text(b.t), 'at', text(b.at), 'lane', text(b.lane), 'f', text(b.f), 'slow', text(b.slow))
  redis.call('pexpire', b.key, lifeMs)
end
`;

/**
 * Keys: account, endpoint, the endpoint's lines (interactive, background). Arguments: now (`-`: the server's), limit of the
 * account, limit of the endpoint, then for each ask: `i` or `b`, and its ticket. Answers, as text, two numbers for each
 * ask: when to ask again (-1: go), and when it is due.
 */
export const ASK_SCRIPT = `${PRELUDE}
local nowMs = now()
local account = load(KEYS[1], tonumber(ARGV[2]), nowMs)
local place = load(KEYS[2], tonumber(ARGV[3]), nowMs)
refill(account, nowMs)
refill(place, nowMs)
local stored = redis.call('hmget', KEYS[2], 'taili', 'tailb')
local tails = { i = tonumber(stored[1]) or 0, b = tonumber(stored[2]) or 0 }
local lines = { i = KEYS[3], b = KEYS[4] }
local leads = { i = ${LEAD_MS.interactive}, b = ${LEAD_MS.background} }
redis.call('zremrangebyscore', KEYS[3], '-inf', '(' .. text(nowMs - ${TICKET_LIFE_MS}))
redis.call('zremrangebyscore', KEYS[4], '-inf', '(' .. text(nowMs - ${TICKET_LIFE_MS}))

local function mayTake(b, priority)
  if b.at > nowMs then return false end
  if priority == 'i' then return b.t >= 1 end
  return b.t >= 1 + b.headroom or b.lane <= nowMs
end
local function take(b, priority)
  if priority == 'b' and b.t < 1 + b.headroom then b.lane = nowMs + 1 / (${BACKGROUND_SHARE} * rate(b, nowMs)) end
  b.t = b.t - 1
end
local function untilToken(b, priority)
  local pause = math.max(0, b.at - nowMs)
  local needed = 1
  if priority == 'b' then needed = 1 + b.headroom end
  local refillMs = pause + math.max(0, needed - b.t) / rate(b, nowMs)
  if priority == 'i' then return refillMs end
  return math.min(refillMs, math.max(pause, b.lane - nowMs))
end
local function interval(priority, from)
  local pace = math.min(rate(account, nowMs), rate(place, nowMs))
  if priority == 'b' and tails.i > from then pace = pace * ${BACKGROUND_SHARE} end
  return 1 / pace
end
local function decide(priority, ticket)
  local line = lines[priority]
  local known = tonumber(redis.call('zscore', line, ticket) or nil)
  local tail = tails[priority]
  local due = known or math.max(nowMs, tail)
  local called = due - leads[priority] <= nowMs or place.t >= place.burst - 1
  if called and mayTake(account, priority) and mayTake(place, priority) then
    take(account, priority)
    take(place, priority)
    if known then redis.call('zrem', line, ticket) end
    if not known and tail > nowMs then tails[priority] = tail + interval(priority, tail) end
    return -1, 0
  end
  local overdue = priority == 'b' and due + ${OVERDUE_MS} < nowMs and tails.i > nowMs
  if not known or overdue then
    due = math.max(nowMs, tail)
    redis.call('zadd', line, text(due), ticket)
    tails[priority] = due + interval(priority, due)
  end
  local tokenMs = math.max(untilToken(account, priority), untilToken(place, priority))
  local again = math.max(due - leads[priority] - nowMs, tokenMs)
  return math.max(1, math.ceil(again)), math.max(0, math.ceil(due - nowMs))
end

local answers = {}
for index = 4, #ARGV, 2 do
  local again, due = decide(ARGV[index], ARGV[index + 1])
  answers[#answers + 1] = again
  answers[#answers + 1] = due
end
local lifeMs = math.ceil(math.max(0, tails.i - nowMs, tails.b - nowMs)) + ${TICKET_LIFE_MS}
save(account, lifeMs)
save(place, lifeMs)
redis.call('hset', KEYS[2], 'taili', text(tails.i), 'tailb', text(tails.b))
redis.call('pexpire', KEYS[3], lifeMs)
redis.call('pexpire', KEYS[4], lifeMs)
return table.concat(answers, ' ')
`;

/** Keys: account, endpoint. Arguments: now, limit of the account, limit of the endpoint, who refused, and the pause asked for. */
export const REFUSED_SCRIPT = `${PRELUDE}
local nowMs = now()
local pauseMs = math.min(tonumber(ARGV[5]), ${LONGEST_PAUSE_MS})
local function slow(key, perSecond)
  local b = load(key, tonumber(perSecond), nowMs)
  refill(b, nowMs)
  if nowMs - b.slow >= ${ONE_REFUSAL_MS} then
    b.f = math.max(${SLOWEST}, factor(b, nowMs) / 2)
    b.slow = nowMs
  end
  b.t = math.min(b.t, 0)
  b.at = math.max(b.at, nowMs + pauseMs)
  save(b, ${TICKET_LIFE_MS})
end
if ARGV[4] ~= 'endpoint' then slow(KEYS[1], ARGV[2]) end
if ARGV[4] ~= 'account' then slow(KEYS[2], ARGV[3]) end
return 0
`;
