-- Filterable fields in Wireshark 4.0 and later for what whosent writes into a packet's comment:
--   whosent.pid == 2136 && whosent.confidence == "exact"
--
-- Try it:    tshark -X lua_script:whosent.lua -r named.pcapng -Y 'whosent.name == "store"'
-- Keep it:   copy it into the folder "Personal Lua Plugins" of Help > About Wireshark > Folders

local whosent = Proto("whosent", "Sender by whosent")

local fields = {
    PID = ProtoField.uint32("whosent.pid", "Process ID"),
    TID = ProtoField.uint32("whosent.tid", "Thread ID"),
    VERDICT = ProtoField.string("whosent.verdict", "Verdict"),
    CONFIDENCE = ProtoField.string("whosent.confidence", "Confidence"),
    METHOD = ProtoField.string("whosent.method", "Method"),
    TAG = ProtoField.string("whosent.tag", "Tag"),
    NAME = ProtoField.string("whosent.name", "Process name"),
}
local order = { "PID", "TID", "VERDICT", "CONFIDENCE", "METHOD", "TAG", "NAME" }
local required = { "VERDICT", "CONFIDENCE", "METHOD" }
local numbers = { PID = true, TID = true }
local ofSender = { "PID", "TID", "NAME" }

whosent.fields = {
    fields.PID, fields.TID, fields.VERDICT, fields.CONFIDENCE, fields.METHOD, fields.TAG, fields.NAME,
}

local contradiction = ProtoExpert.new(
    "whosent.several_answers", "Several comments claim to be the answer: none is believed", expert.group.COMMENTS_GROUP,
    expert.severity.WARN)
whosent.experts = { contradiction }

local comments = Field.new("frame.comment")

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- What a JSON string's inside stands for; nil if it is none. A zero would end the text in Wireshark, and a half of a
-- surrogate pair is no character: whosent writes neither.
local function unquoted(inside)
    local parts = {}
    local position = 1
    while position <= #inside do
        local plain = inside:match('^[^"\\%c]+', position)
        if plain then
            parts[#parts + 1] = plain
            position = position + #plain
        else
            local short = inside:match("^\\(.)", position)
            local control = inside:match("^\\u00(%x%x)", position)
            if control then
                local code = tonumber(control, 16)
                if code == 0 or code > 0x7F then return nil end
                parts[#parts + 1] = string.char(code)
                position = position + 6
            elseif short and escapes[short] then
                parts[#parts + 1] = escapes[short]
                position = position + 2
            else
                return nil
            end
        end
    end
    return table.concat(parts)
end

local function number(text)
    if not text:match("^[1-9]%d*$") or #text > 10 then return nil end
    local value = tonumber(text)
    return value <= 0xFFFFFFFF and value or nil
end

-- The fields of a comment; nil where it is not one of whosent's, as a whole: `KEY=value KEY=value NAME="text"`, one
-- space between, no key twice, and nothing after the quoted text, which may therefore hold anything.
local function parsed(comment)
    local found = {}
    local position = 1
    while position <= #comment do
        if position > 1 then
            if comment:sub(position, position) ~= " " then return nil end
            position = position + 1
        end
        local key, start = comment:match("^(%u[%u%d_]*)=()", position)
        if not key or found[key] then return nil end
        local value
        if comment:sub(start, start) == '"' then
            local inside = comment:match('^"(.*)"$', start)
            value = inside and unquoted(inside)
            position = #comment + 1
            -- Only the name is free text, and the name is always quoted.
            if key ~= "NAME" then return nil end
        else
            value = comment:match('^[^%c "=]+', start)
            if not value or key == "NAME" then return nil end
            position = start + #value
            if numbers[key] then value = number(value) end
        end
        if not value then return nil end
        found[key] = value
    end
    for _, key in ipairs(required) do
        if not found[key] then return nil end
    end
    -- Only a process has an id and a name, and one without an id is none.
    for _, key in ipairs(ofSender) do
        if found[key] and (found.VERDICT ~= "process" or not found.PID) then return nil end
    end
    return found
end

function whosent.dissector(_, _, tree)
    local answer
    local isContradicted = false
    for _, comment in ipairs({ comments() }) do
        local found = parsed(comment.value)
        if found and answer then isContradicted = true end
        answer = answer or found
    end
    if not answer then return end
    local branch = tree:add(whosent)
    branch:set_generated()
    if isContradicted then
        branch:add_proto_expert_info(contradiction)
        return
    end
    if answer.PID then
        branch:append_text(": " .. (answer.NAME or "process") .. "[" .. answer.PID .. "], " .. answer.CONFIDENCE)
    else
        branch:append_text(": " .. answer.VERDICT .. ", " .. answer.CONFIDENCE)
    end
    for _, key in ipairs(order) do
        if answer[key] then branch:add(fields[key], answer[key]):set_generated() end
    end
end

register_postdissector(whosent)
