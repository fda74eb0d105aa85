-- Asks several limits at once, and takes from all of them or from none.
--
-- KEYS: one per limit. ARGV[1]: 0, or the time in microseconds (for tests). Then five per limit:
--   kind, a, b, cost, want: "b" bucket   (a: time of one token, b: time of all of them)
--                           "f" fixed    (a: period, b: quota)
--                           "s" sliding  (a: step, b: quota)
-- Replies six per limit: admitted (1 or 0), what is left, time until all is there again, time until the same question may be
-- admitted, what was taken (from cost up to want), and for how long it may be spent. All times are microseconds.
--
-- The rules are those of rule.rs. Time is the server's, the same for all who ask; should it go back (a failover to a
-- server with another clock), what was counted stays, but for no longer than it would have been.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local function whole(number)
  return string.format('%.0f', number)
end

local STEPS = 7

-- The counts of the last eight steps, oldest first, and the number of the newest.
local function sliding(kept, step)
  local counts = {0, 0, 0, 0, 0, 0, 0, 0}
  if not kept then return counts, step end
  local numbers = {}
  for number in string.gmatch(kept, '%d+') do numbers[#numbers + 1] = tonumber(number) end
  local newest = numbers[1]
  if newest > step then step = (newest > step + STEPS) and step or newest end
  local passed = step - newest
  if passed < 0 then passed = 0 end
  for place = 1, STEPS + 1 do
    counts[place] = numbers[1 + place + passed] or 0
  end
  return counts, step
end

local asked, all = {}, true
for i = 1, #KEYS do
  local at = (i - 1) * 5 + 1
  local q = {kind = ARGV[at + 1], a = tonumber(ARGV[at + 2]), b = tonumber(ARGV[at + 3]),
             cost = tonumber(ARGV[at + 4]), want = tonumber(ARGV[at + 5]), retry = 0}
  local kept = redis.call('GET', KEYS[i])
  if q.kind == 'b' then
    q.full_at = math.max(now, math.min(tonumber(kept or 0), now + q.b))
    q.left = math.floor((q.b - (q.full_at - now)) / q.a)
    if q.cost > q.left then q.retry = q.full_at - now + q.cost * q.a - q.b end
  elseif q.kind == 'f' then
    local window, count = math.floor(now / q.a), 0
    if kept then
      local was, counted = string.match(kept, '(%d+) (%d+)')
      was = tonumber(was)
      if was >= window then
        count = tonumber(counted)
        if was == window + 1 then window = was end
      end
    end
    q.window, q.count, q.left = window, count, math.max(0, q.b - count)
    q.ends = (window + 1) * q.a - now
    if q.cost > q.left then q.retry = q.ends end
  else
    q.counts, q.step = sliding(kept, math.floor(now / q.a))
    local total = 0
    for place = 1, STEPS + 1 do total = total + q.counts[place] end
    q.left = math.max(0, q.b - total)
    local need = q.cost - q.left
    if need > 0 then
      local freed = 0
      for place = 1, STEPS + 1 do
        freed = freed + q.counts[place]
        if q.counts[place] > 0 and freed >= need then
          q.retry = (q.step + place) * q.a - now
          break
        end
      end
    end
  end
  if q.cost > q.left then all = false end
  asked[i] = q
end

local told = {}
for i = 1, #KEYS do
  local q = asked[i]
  local taken, valid = 0, 0
  if all then taken = math.max(q.cost, math.min(q.want, q.left)) end
  local left, reset = q.left - taken, 0
  if q.kind == 'b' then
    q.full_at = q.full_at + taken * q.a
    reset = q.full_at - now
    valid = q.b
    if taken > 0 then
      redis.call('SET', KEYS[i], whole(q.full_at), 'PX', whole(math.ceil(reset / 1000) + 1))
    end
  elseif q.kind == 'f' then
    if left < q.b then reset = q.ends end
    valid = q.ends
    if taken > 0 then
      local life = whole(math.ceil((q.ends + q.a) / 1000))
      redis.call('SET', KEYS[i], whole(q.window) .. ' ' .. whole(q.count + taken), 'PX', life)
    end
  else
    q.counts[STEPS + 1] = q.counts[STEPS + 1] + taken
    local text = whole(q.step)
    for place = 1, STEPS + 1 do
      text = text .. ' ' .. whole(q.counts[place])
      if q.counts[place] > 0 then reset = (q.step + place) * q.a - now end
    end
    valid = (q.step + 1) * q.a - now
    if taken > 0 then
      redis.call('SET', KEYS[i], text, 'PX', whole(math.ceil((STEPS + 2) * q.a / 1000)))
    end
  end
  local at = (i - 1) * 6
  told[at + 1] = (q.cost <= q.left) and 1 or 0
  told[at + 2], told[at + 3], told[at + 4] = left, reset, q.retry
  told[at + 5], told[at + 6] = taken, valid
end
return told
