/**
 * The windows of MemoryLimitStore, in Redis, in one script: judged first, taken only when all fit. Redis' own clock decides.
 *
 * A window is a hash: `u` what counts now, `h` and `n` its oldest and newest bucket, and per bucket `<latest ms>:<amount>`.
 * Slots are a sorted set of leases by the time at which a crashed engine's lease ends.
 */
const SHARED = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local function bucket_of(key, number)
  local text = redis.call('HGET', key, number)
  if not text then return nil end
  local at, amount = string.match(text, '^(%d+):(%d+)$')
  return tonumber(at), tonumber(amount)
end
local function used_of(key, window)
  local head = tonumber(redis.call('HGET', key, 'h'))
  if not head then return 0 end
  local newest = tonumber(redis.call('HGET', key, 'n'))
  local used = tonumber(redis.call('HGET', key, 'u'))
  local first = head
  while head <= newest do
    local at, amount = bucket_of(key, head)
    if at then
      if at + window > now then break end
      used = used - amount
      redis.call('HDEL', key, head)
    end
    head = head + 1
  end
  if head > newest then redis.call('DEL', key) return 0 end
  if head ~= first then redis.call('HSET', key, 'h', head, 'u', used) end
  return used
end
local function add(key, window, width, amount)
  -- A clock that was set back must not put a bucket before the newest one.
  local number = math.max(math.floor(now / width), tonumber(redis.call('HGET', key, 'n')) or 0)
  local at, before = bucket_of(key, number)
  local text = string.format('%.0f:%.0f', math.max(at or 0, now), (before or 0) + amount)
  redis.call('HSET', key, number, text, 'n', number)
  redis.call('HSETNX', key, 'h', number)
  redis.call('HINCRBY', key, 'u', string.format('%.0f', amount))
  redis.call('PEXPIRE', key, window + width)
end
local function refund(key, number, amount)
  local at, before = bucket_of(key, number)
  if not at then return end
  local back = math.min(amount, before)
  redis.call('HSET', key, number, string.format('%.0f:%.0f', at, before - back))
  redis.call('HINCRBY', key, 'u', string.format('%.0f', -back))
end
local function reset_of(key, window)
  local newest = tonumber(redis.call('HGET', key, 'n'))
  if not newest then return 0 end
  local at = bucket_of(key, newest)
  if not at then return 0 end
  return at + window - now
end
`;

/**
 * KEYS: epoch, then one per window. ARGV: lease, its life in ms, tokens at least, tokens at most, an epoch to set when there is
 * none, `1` to judge only; then kind, limit, window and bucket in ms per window. Answers: admitted, epoch, now, tokens reserved,
 * the window in the way, ms to wait (-2: for ever); then used and ms to empty per window.
 */
export const ADMIT_SCRIPT = `${SHARED}
local lease, ttl, minimum, reserve = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[5]
  redis.call('SET', KEYS[1], epoch)
end
local judge_only = ARGV[6] == '1'
local windows, worst, wait = {}, 0, -1
local reserved = reserve
local function obstacle(index, ms)
  if wait ~= -2 and (ms == -2 or ms > wait) then worst = index wait = ms end
end
for index = 2, #KEYS do
  local at = 7 + (index - 2) * 4
  local window = { key = KEYS[index], kind = ARGV[at], limit = tonumber(ARGV[at + 1]), span = tonumber(ARGV[at + 2]), width = tonumber(ARGV[at + 3]) }
  windows[index - 1] = window
  if window.kind == 'slots' then
    redis.call('ZREMRANGEBYSCORE', window.key, '-inf', now)
    window.used = redis.call('ZCARD', window.key)
    if window.used >= window.limit then obstacle(index - 1, 1000) end
  else
    window.used = used_of(window.key, window.span)
    local amount = window.kind == 'requests' and 1 or minimum
    if window.kind == 'tokens' then reserved = math.min(reserved, window.limit - window.used) end
    if window.used + amount > window.limit then
      if amount > window.limit then
        obstacle(index - 1, -2)
      else
        local left, number = window.used, tonumber(redis.call('HGET', window.key, 'h'))
        local newest = tonumber(redis.call('HGET', window.key, 'n'))
        while number <= newest do
          local latest, held = bucket_of(window.key, number)
          if latest then
            left = left - held
            if left + amount <= window.limit then obstacle(index - 1, latest + window.span - now) break end
          end
          number = number + 1
        end
      end
    end
  end
end
reserved = math.max(reserved, minimum)
local admitted = worst == 0 and not judge_only
local reply = { admitted and 1 or 0, epoch, string.format('%.0f', now), string.format('%.0f', reserved), worst, string.format('%.0f', wait) }
for index, window in ipairs(windows) do
  if admitted then
    local amount = window.kind == 'tokens' and reserved or 1
    if window.kind == 'slots' then
      redis.call('ZADD', window.key, now + ttl, lease)
      redis.call('PEXPIRE', window.key, ttl * 2)
    else
      add(window.key, window.span, window.width, amount)
    end
    window.used = window.used + amount
  end
  reply[#reply + 1] = string.format('%.0f', window.used)
  reply[#reply + 1] = string.format('%.0f', window.kind == 'slots' and 0 or reset_of(window.key, window.span))
end
return reply
`;

/** Ends a lease: tokens corrected (or, canceled, requests too), slots free. */
export const RELEASE_SCRIPT = `${SHARED}
local lease, admitted, requests, tokens = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for index = 1, #KEYS do
  local at = 5 + (index - 1) * 3
  local kind, span, width = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if kind == 'slots' then
    redis.call('ZREM', KEYS[index], lease)
  else
    local amount = kind == 'requests' and requests or tokens
    if amount > 0 then add(KEYS[index], span, width, amount) end
    if amount < 0 then refund(KEYS[index], math.floor(admitted / width), -amount) end
  end
end
return 1
`;

/** An engine says that it lives, hears how many do, and keeps its running requests' slots. KEYS: engines, then one per lease. */
export const BEAT_SCRIPT = `${SHARED}
local engine, ttl = ARGV[1], tonumber(ARGV[2])
if ARGV[3] == 'leave' then redis.call('ZREM', KEYS[1], engine) return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ttl, engine)
redis.call('PEXPIRE', KEYS[1], ttl * 2)
for index = 2, #KEYS do
  redis.call('ZADD', KEYS[index], 'XX', now + ttl, ARGV[index + 1])
  redis.call('PEXPIRE', KEYS[index], ttl * 2)
end
return redis.call('ZCARD', KEYS[1])
`;
