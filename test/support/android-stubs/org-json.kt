package org.json

class JSONException(message: String) : Exception(message)

class JSONObject() {
    constructor(json: String) : this()

    fun put(name: String, value: Any?): JSONObject = TODO()
    fun optString(name: String): String = TODO()
    fun optJSONObject(name: String): JSONObject? = TODO()
}
