-- Attachments are kept in one field, a line each: connection, node, last sign of life, when it went (empty: it did not).
-- `nodes` names the nodes that an append must tell, so that it need not look at the attachments.

local KEPT_GONE = 16

local function attachments(text)
  local list = {}
  for con, node, beat, gone in string.gmatch(text or '', '([^\t\n]*)\t([^\t\n]*)\t(%d+)\t(%d*)\n') do
    list[#list + 1] = { con = con, node = node, beat = tonumber(beat), gone = tonumber(gone) }
  end
  return list
end

local function policy_of(text)
  local _, medium, _, ttl = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  return { medium = tonumber(medium), ttl = tonumber(ttl) }
end

-- goneAt of liveness.ts
local function gone_at(one, ttl, now)
  if one.gone then return one.gone end
  return now - one.beat > ttl and one.beat or nil
end

-- disconnectedSince of liveness.ts
local function disconnected_since(list, seen, ttl, now)
  local latest = seen
  for _, one in ipairs(list) do
    local gone = gone_at(one, ttl, now)
    if not gone then return nil end
    latest = math.max(latest, gone)
  end
  return latest
end

-- isExpired of liveness.ts
local function is_expired(m, list, now)
  local policy = policy_of(m[AT.policy])
  local since = disconnected_since(list, tonumber(m[AT.seen]), policy.ttl, now)
  return since ~= nil and now > math.max(since + policy.medium, tonumber(m[AT.hold]) or 0)
end

-- The fields to write for `list`: of those that are gone only the newest stay, the others leave their mark in `seen`.
local function presence_fields(list, seen, ttl, now)
  local gone = {}
  for _, one in ipairs(list) do
    local at = gone_at(one, ttl, now)
    if at then gone[#gone + 1] = { at = at, one = one } end
  end
  if #gone > KEPT_GONE then
    table.sort(gone, function(a, b) return a.at > b.at end)
    for i = KEPT_GONE + 1, #gone do
      gone[i].one.pruned = true
      seen = math.max(seen, gone[i].at)
    end
  end
  local lines, nodes, known = {}, {}, {}
  for _, one in ipairs(list) do
    if not one.pruned then
      lines[#lines + 1] = string.format('%s\t%s\t%.0f\t%s\n', one.con, one.node, one.beat,
        one.gone and string.format('%.0f', one.gone) or '')
      if not known[one.node] and not gone_at(one, ttl, now) then
        known[one.node] = true
        nodes[#nodes + 1] = one.node .. '\n'
      end
    end
  end
  return 'seen', string.format('%.0f', seen), 'attached', table.concat(lines), 'nodes', table.concat(nodes)
end

local function attach(key, m, list, con, node, policy, now)
  local one
  for _, other in ipairs(list) do
    if other.con == con then one = other end
  end
  if not one then
    one = { con = con }
    list[#list + 1] = one
  end
  one.node, one.beat, one.gone = node, now, nil
  redis.call('HSET', key, 'policy', policy,
    presence_fields(list, tonumber(m[AT.seen]), policy_of(policy).ttl, now))
end

-- node, now, connections... -> {epoch, seq, tag}
register('touch', function(keys, argv)
  local key = keys[1]
  local m = redis.call('HMGET', key, 'epoch', 'seq', 'attached', 'policy', 'seen', 'tag', 'archived')
  if not m[1] or m[7] then return false end
  if #argv == 2 or not m[3] then return { m[1], m[2], m[6] } end
  local node, now = argv[1], tonumber(argv[2])
  local list = attachments(m[3])
  local moved = false
  for i = 3, #argv do
    for _, one in ipairs(list) do
      if one.con == argv[i] and one.node == node and not one.gone and one.beat < now then
        one.beat = now
        moved = true
      end
    end
  end
  if moved then
    redis.call('HSET', key, presence_fields(list, tonumber(m[5]), policy_of(m[4]).ttl, now))
  end
  return { m[1], m[2], m[6] }
end, { 'allow-oom' })

-- connection, now
register('detach', function(keys, argv)
  local key = keys[1]
  local m = redis.call('HMGET', key, 'attached', 'policy', 'seen')
  local now = tonumber(argv[2])
  local list = attachments(m[1])
  for _, one in ipairs(list) do
    if one.con == argv[1] and not one.gone then
      one.gone = now
      redis.call('HSET', key, presence_fields(list, tonumber(m[3]), policy_of(m[2]).ttl, now))
      return 1
    end
  end
  return 0
end, { 'allow-oom' })
