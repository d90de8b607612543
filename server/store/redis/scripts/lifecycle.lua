-- What makes, ends and removes sessions.

local GRACE_MS = 90 * 24 * 3600 * 1000

local function unlink_parts(key)
  for _, part in ipairs(PARTS) do redis.call('UNLINK', key .. part) end
end

-- 1 nonce of the request, 2 now, 3 connection to attach ('' none), 4 its node, 5 policy, then pairs of the hash
register('create', function(keys, argv)
  local key = keys[1]
  local had = redis.call('HMGET', key, 'epoch', 'nonce', 'scope', 'archived')
  if had[1] then
    -- With its nonce it was made by an earlier send of this request, whose answer was lost.
    if had[2] == argv[1] then return { 'created', answer(key, record(key)) } end
    return { 'exists', had[3], had[4] }
  end
  unlink_parts(key)
  redis.call('HSET', key, 'seq', 0, 'bytes', 0, 'hold', 0, 'nonce', argv[1], 'updated', argv[2], 'ranked', argv[2],
    'seen', argv[2], 'policy', argv[5], unpack(argv, 6))
  if argv[3] ~= '' then attach(key, record(key), {}, argv[3], argv[4], argv[5], tonumber(argv[2])) end
  return { 'created', answer(key, record(key)) }
end)

-- 1 now, 2 '1' to force it, 3 what it becomes, 4 how long that is kept in ms (0: only the pointer), 5 the node that asks
register('expire', function(keys, argv)
  local key = keys[1]
  local m = record(key)
  if not m[AT.epoch] then return { 'missing' } end
  if m[AT.archived] then return { 'expired', m[AT.archived], m[AT.scope] } end
  local now = tonumber(argv[1])
  local list = attachments(m[AT.attached])
  if argv[2] ~= '1' and not is_expired(m, list, now) then return { 'alive' } end

  local told = redis.call('HMGET', key, 'nodes', 'owner')
  local seen = disconnected_since(list, tonumber(m[AT.seen]), policy_of(m[AT.policy]).ttl, now) or now
  local gone = {}
  local stays = argv[4] ~= '0'
  for _, name in ipairs({ 'attached', 'hold', 'lease', 'until', 'chunk', 'chunk_run', 'cells' }) do gone[name] = true end
  if not stays then gone.title, gone.last = true, true end
  local set = { 'archived', argv[3], 'seen', string.format('%.0f', seen) }
  for i, name in ipairs(RECORD) do
    if m[i] and not gone[name] and name ~= 'seen' then
      set[#set + 1] = name
      set[#set + 1] = m[i]
    end
  end
  -- The hash is made anew: it may hold any number of ids, and unlinking it costs nothing.
  redis.call('UNLINK', key, key .. ':chunks')
  redis.call('HSET', key, unpack(set))
  if not stays then unlink_parts(key) end
  -- Only in case nobody ever erases it. How long it is kept is decided elsewhere, by the server's clock.
  local ttl = string.format('%.0f', tonumber(argv[4]) + GRACE_MS)
  redis.call('PEXPIRE', key, ttl)
  for _, part in ipairs(PARTS) do redis.call('PEXPIRE', key .. part, ttl) end
  publish(key, told[1], told[2], argv[5], 'gone\n' .. session_of(key), {})
  return { 'expired', argv[3], m[AT.scope] }
end, { 'allow-oom' })

-- 1 the node that asks
register('erase', function(keys, argv)
  local key = keys[1]
  local told = redis.call('HMGET', key, 'nodes', 'owner')
  unlink_parts(key)
  if redis.call('UNLINK', key) == 1 then publish(key, told[1], told[2], argv[1], 'gone\n' .. session_of(key), {}) end
  return 1
end, { 'allow-oom' })

register('title', function(keys, argv)
  if redis.call('EXISTS', keys[1]) == 0 then return 0 end
  redis.call('HSET', keys[1], 'title', argv[1])
  return 1
end)

-- 1 alarm ('' none) -> the one before
register('alarm', function(keys, argv)
  local m = redis.call('HMGET', keys[1], 'epoch', 'alarm')
  if not m[1] then return { 0 } end
  if argv[1] == '' then
    redis.call('HDEL', keys[1], 'alarm')
  else
    redis.call('HSET', keys[1], 'alarm', argv[1])
  end
  return { 1, m[2] }
end)

-- KEYS[1] is a subject's list here. 1 session, 2 now, 3 most sessions (0: any number)
register('enlist', function(keys, argv)
  if redis.call('ZSCORE', keys[1], argv[1]) then return 'listed' end
  local most = tonumber(argv[3])
  if most > 0 and redis.call('ZCARD', keys[1]) >= most then return 'full' end
  redis.call('ZADD', keys[1], argv[2], argv[1])
  return 'added'
end)
