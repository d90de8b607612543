-- The hot path: one read, the checks, then one write for each key that changes, and no table that is not needed.

local FIXED = 8
local RARE = 6

-- On another head: what was missed, or that an earlier send of this request was applied.
local function conflict(key, m, argv, expected)
  if m[1] ~= argv[3] or tonumber(m[2]) < expected then return { 'conflict', m[1], m[2] } end
  local missed = events_from(key .. ':log', expected, CONFLICT_EVENTS, CONFLICT_BYTES)[1]
  -- The tag is random: whose first event is there was stored.
  if missed[1] and tag_of(missed[1]) == tag_of(argv[FIXED + 1]) then return 'applied' end
  local last = argv[8] ~= '' and expected > 0 and redis.call('LINDEX', key .. ':log', expected - 1)
  if argv[8] ~= '' and (not last or tag_of(last) ~= argv[8]) then return { 'conflict', m[1], m[2] } end
  return { 'conflict', m[1], m[2], missed }
end

-- Which of the ids are known: nil when none is.
local function known_ids(key, argv, first, count)
  local ids = {}
  for i = 1, count do ids[i] = argv[first + 2 * (i - 1)] end
  local known
  for i, value in ipairs(redis.call('HMGET', key, unpack(ids))) do
    if value then
      known = known or { 'known' }
      known[#known + 1] = ids[i]
      known[#known + 1] = value
    end
  end
  return known
end

local function chunk_refusal(key, chunk, expected, count)
  local holds = chunk and redis.call('LLEN', key .. ':chunks') or 0
  if holds == tonumber(count) and (not chunk or chunk == expected) then return nil end
  return { 'chunk_conflict', chunk_buffer(key, 0) }
end

local function tell(key, m, argv, n_events)
  local parts = {}
  for i = 1, n_events do parts[i] = json_of(argv[FIXED + i]) end
  local header = table.concat({ 'events', session_of(key), m[1], string.format('%.0f', argv[4] + 1) }, '\n')
  publish(key, m[5], m[6], argv[1], header, parts)
end

-- 1 node, 2 now, 3 epoch, 4 expected seq, 5 how many events, 6 how many ids,
-- 7 how many annotations, or with rare arguments the negative of that, less one, 8 tag of the expected event ('' any); then
--   events, pairs of the hash (ids first, written as they came), annotation pairs, rare arguments:
--   1 '1' when the alarm is set, '-' when it is removed, 2 title if there is none ('' none), 3 fence that must be held ('' none),
--   4 '1' to clear the lease, 5 chunk buffer to drop ('' none), 6 its count
register('append', function(keys, argv)
  local key, now = keys[1], argv[2]
  local expected, n_events, n_ids, n_notes = argv[4] + 0, argv[5] + 0, argv[6] + 0, argv[7] + 0
  local last_event = FIXED + n_events
  local last_note, rare = #argv, nil
  if n_notes < 0 then
    n_notes = -1 - n_notes
    last_note = last_note - RARE
    rare = last_note
  end
  local last_pair = last_note - 2 * n_notes

  local m = redis.call('HMGET', key, 'epoch', 'seq', 'archived', 'bytes', 'nodes', 'owner', 'ranked', 'cells',
    n_ids > 0 and argv[last_event + 1] or '', 'tag')
  if not m[1] or m[3] then return { 'gone' } end
  if m[2] ~= argv[4] or m[1] ~= argv[3] or (argv[8] ~= '' and m[10] ~= argv[8]) then
    return conflict(key, m, argv, expected)
  end
  if m[9] or n_ids > 1 then
    local known = known_ids(key, argv, last_event + 1, n_ids)
    if known then return known end
  end
  local was
  if rare then
    was = redis.call('HMGET', key, 'alarm', 'title', 'lease', 'chunk')
    if argv[rare + 5] ~= '' then
      local refusal = chunk_refusal(key, was[4], argv[rare + 5], argv[rare + 6])
      if refusal then return refusal end
    end
    if argv[rare + 3] ~= '' and was[3] ~= argv[rare + 3] then return { 'fenced' } end
  end

  -- Nothing was written so far, and nothing is refused from here on.
  local bytes, cut = m[4] + 0, nil
  for i = FIXED + 1, last_event do
    local event = argv[i]
    cut = string.find(event, ' ', 1, true)
    bytes = bytes + #event - cut
    local role = ROLES[string.byte(event)]
    if role then redis.call('RPUSH', key .. role, expected + i - FIXED) end
  end
  each_thousand('RPUSH', key .. ':log', argv, FIXED + 1, last_event)
  -- The subject's list is kept up to date within RANK_MS: whoever reads it looks that much further.
  local since = now - m[7]
  local rank = since >= RANK_MS or since < 0
  redis.call('HSET', key, 'seq', expected + n_events, 'tag', string.sub(argv[last_event], 2, cut - 1), 'updated', now,
    'bytes', bytes, 'ranked', rank and now or m[7], unpack(argv, last_event + 1, math.min(last_pair, last_event + 1000)))
  if last_pair > last_event + 1000 then each_thousand('HSET', key, argv, last_event + 1001, last_pair) end

  local cells = m[8] or '\n'
  for i = last_event + 1, last_pair, 2 do
    if string.sub(argv[i], 1, 2) == 'c:' then
      local line = string.sub(argv[i], 3) .. '\n'
      if not string.find(cells, '\n' .. line, 1, true) then cells = cells .. line end
    end
  end
  if #cells > 1 and cells ~= m[8] then redis.call('HSET', key, 'cells', cells) end
  if n_notes > 0 then each_thousand('HSET', key .. ':notes', argv, last_pair + 1, last_note) end
  if rare then
    if argv[rare + 1] == '-' then redis.call('HDEL', key, 'alarm') end
    if argv[rare + 2] ~= '' and not was[2] then redis.call('HSET', key, 'title', argv[rare + 2]) end
    if argv[rare + 4] ~= '' then redis.call('HDEL', key, 'lease', 'until', 'owner') end
    if argv[rare + 5] ~= '' and was[4] then
      redis.call('UNLINK', key .. ':chunks')
      redis.call('HDEL', key, 'chunk', 'chunk_run')
    end
  end
  if (m[5] and m[5] ~= '' and m[5] ~= argv[1] .. '\n') or (m[6] and m[6] ~= argv[1]) then tell(key, m, argv, n_events) end

  -- What the indexes outside this slot need: the alarm that was, and whose list to move it in.
  local alarm = rare and argv[rare + 1] ~= '' and was[1] or false
  if rank then return { 'applied', alarm, redis.call('HGET', key, 'scope') } end
  if alarm then return { 'applied', alarm } end
  return 'applied'
end)
